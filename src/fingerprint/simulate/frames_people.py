"""What English-speaking people write for themselves: openings, follow-ups, texts they paste, habits.

``ask.<style>`` opens a conversation, ``follow.<style>`` continues one, ``again.<style>`` repeats a prompt, ``passage.<style>`` is a text.
Symbols with ``@a`` are a person's own and make the personal trace; ``@c`` keeps a conversation on its subject.
"""

from __future__ import annotations

TEXT = r"""
person
  ^{hello}{ask@p}{wish}
retry
  {again}
hello.en
  {habit.hello@a}
habit.hello
  *16 \e
  *3 {r:|||||Hi! ^|Hello, |Hi, }
  *1 {r:||Hey |hey, |yo }
  *1 {r:|Good morning. ^|Good evening. ^|Hello there. ^|Dear assistant, }
  *1 {r:|||ok |okay so |right, |so }
  *1 {r:||Quick question: |Question - |Hi, quick one: }
wish.en
  {habit.wish@a}
habit.wish
  *14 \e
  *2 {r:|||| Thanks!| Thank you.| thanks}
  *1 {r:||| Keep it short.| Short answer please.| tl;dr please}
  *1 {r:||| Explain it simply.| Explain like I am new to this.| Assume I know nothing.}
  *1 {r:||| No bullet points please.| Plain text only.| In {format} please.}
  *1 {r:||| Please be honest.| Don't sugarcoat it.| Be critical.}
  *1 {r:||| Metric units please.| British spelling please.| Use euros.}
  *1 {r:|||| I'm a {job@a}, by the way.| For context, I am a {job@a}.| (I'm in {city@a}.)}
  *1 {r:||| Give me an example.| With examples please.| Add sources if you can.}
  *1 {r:||| cheers| ty| thx :)| pls help}
again.en
  {r:again: |I'll ask again: |sorry, |let me rephrase. ^|wrong answer. ^|}{ask@p}
  {ask@p}{r: please| (for {when})| - and {short|be brief}|!!| thanks| without {p}| for {audience}|  | I mean for {own}}
  *2 {ask@p}
own
  {kin.own@a}
  my {n}
  {project@a}
  our {n} at {company@a}
kin.own
  my {kin@a} {first@a}
  our {animal@a} {first@a2}
  {company@a}
  {project@a}
  my {job@a} job
  the {street@a} place
ctx
  *7 \e
  *2  for {own}
  *2  with my {n}
  *1  without {p}
  *1  on a budget of {money}
  *1  {when}
  *1  in {city@a}
  *1  as a {job@a}
  *1  if {s}
  *1  (mostly {p})
since
  I have been {dealing with|learning about|working on|fighting with|reading about} {p@c} for {dur}
  I am {new to|getting into|stuck with|confused by|responsible for} {p@c}{r: now| at {company@a}||}
  We {started with|switched to|have had|are planning} {p@c} {dur} ago
  My {kin@a} {first@a} {asked me about|wants to know about|keeps talking about|knows nothing about} {p@c}
  I am a {job@a} and {s}
  I tried to {v} {yesterday|last night|this morning|twice|on {weekday}} and {s}
  {own} needs {help with {p@c}|a {adj} {n@c}}
ask.any
  How {do|can|should} I {v@c}{ctx}{q}
  What is the {best|easiest|cheapest|usual|safest} way to {v@c}{ctx}{q}
  Can you {explain|walk me through} how to {v@c}{ctx}{q}
  What should I {know|check|ask} before I {v@c}{ctx}{q}
  {s@c}. {What am I doing wrong|What could it be|How do I fix this|Is that normal|Any ideas|What now}{q}
  Why is it that {s@c} when I {v}{q}
  {s@c} and {s2}. Where do I start{q}
  {since}. {How do I {v}|What would you do|Where should I start|Is it worth it}{q}
  {since}. ^{s}. {What next|Help|Any advice}{q}
  What is the difference between {p@c} and {p2}{ctx}{q}
  Is {a new|a used|a bigger|a second|a cheap} {n@c} worth {money}{ctx}{q}
  Which {n@c} {would you pick|do you recommend|is better|suits me}{ctx}{q}
  I need {to {v@c}|a {adj} {n@c}} {when}. {Help me|Give me a plan|What do I need|Where do I begin}{q}
  {Give me|Make me|Write me} {a|a {adj}} {plan|checklist|list of steps} to {v@c}{ctx}.
  {small} {tips|ideas|mistakes to avoid} for {p@c}{ctx}{q}
  {Explain|Tell me about|Summarise} {p@c} {for {audience}|in simple words|{length}|with an example}.
  What does "{n@c}" mean {in the context of {tt}|when people talk about {p}}{q}
  {tt}: {how to {v@c}|{p@c} or {p2}|is my {n@c} the problem|what do beginners get wrong}{q}
  Do I need {p@c} to {v@c}{q}
  My {n@c} {is {small} years old|cost {money}|came {yesterday|last week}|is from {company}} and {s}. {Ideas|Should I worry|Repair or replace|
    Thoughts}{q}
  {Pros and cons of|Compare|Thoughts on} {p@c} {and|versus} {p2} for {own}.
  Help me {v@c}{ctx}. So far I have {n} and {p}.
  {Draft|Write} {a message|an email|a note} to {first@a3} {at {company@a}|from {company}|about it}: {s@c}, we {need|want} to {v} {when}.
  How long does it take to {v@c}{ctx}{q}
  Is it {normal|bad|dangerous|ok} that {s@c}{q}
  {first@a} says {s@c} because of {p}. Is {that true|he right|she right}{q}
  what's a {adj} {n@c} {for {own}|under {money}|for {audience}}{q}
  {p@c} {question|help|advice}: {s@c}
  I want to {v@c} {and|but} {s}{ctx}. {Options|Is that possible|What would it cost}{q}
ask.any.long
  {Summarise|Shorten|Check|Translate into plain words|Pull the main points out of} {this|the text below}{ctx}:\n\n{long}
  {long}\n\n{What is the main point|Write a reply|What should I answer|Is there anything wrong here|Give it a title}{q}
ask.life
  {ask.any.long}
  *3 {ask.any}
  {first@a} ({small@a} years old) and I want to {v@c}. {Ideas|How do we start|What do we need}{q}
  We live in {city@a} and {s@c}. {Who can help|What does it cost|Do we need a professional}{q}
  {kin.own@a}: {s@c}{q}
  {kin.own@a} {wants to {v@c}|has questions about {p@c}|needs a {adj} {n@c}}. {What do I say|Where to buy|How do I help}{q}
  {shopping list|packing list|weekly plan|budget} for {p@c}{ctx}, {small} people, {money} at most.
  {passage@c} {What do you think|Does that sound right|Is this normal}{q}
  is {p@c} {overrated|good for {kin.own@a}|bad in {month}|enough}{q}
  Recipe for disaster? {s@c}, it is {weekday}, and I still have to {v}.
ask.work
  {ask.any.long}
  *3 {ask.any}
  {Write|Draft|Rewrite} {a|our} {n@c} for {company@a}. {Tone: {friendly|formal|direct|warm}|Keep it {short|formal|friendly}|Mention {p}|Audience:
     {audience}}.
  At {company@a} {s@c}. {Write an email to {first@a3}|Draft a reply|Make a plan|How do I tell {first@a3}}.
  {Summarise|Shorten|Proofread|Make this sound better}: "{passage@c}"
  {Turn this into|Rewrite as} {format}: {passage@c}
  What should a {n@c} for {company@a} contain{q} We have {small@a} people and {p}.
  {agenda|talking points|an outline|questions} for a meeting about {p@c} with {first@a3} {when}
  Review this {n@c}: {passage@c}
  Our {n@c} costs {money} a {month|year}. How do we {v}{q}
ask.study
  {ask.any.long}
  *3 {ask.any}
  {Explain|Derive|Prove|Discuss} {p@c} {step by step|for an exam|as simply as you can|with a worked example}.
  My {exam|essay|presentation|assignment} on {tt} is due {when}. {How do I {v@c}|Quiz me on {p@c}|Make flashcards on {p@c}|Outline {p@c}}{q}
  {Check my answer|Is this right|Correct this}: {passage@c}
  {Make|Write} {small} {exam questions|flashcards|practice problems} on {p@c}{ctx}.
  I wrote: "{passage@c}" {Is that correct|How can I improve it|What is missing}{q}
  {Who|What} should I {read|cite} on {p@c} and {p2}{q}
  For {first@a3}'s class I have to {v@c} using {p}. ^{s}.
  Why do we need {p@c} to understand {p2}{q}
  quiz me on {p@c}, {small} questions, {easy|hard|mixed}
ask.code
  {ask.log}
  *2 {ask.any}
  {In|At} {project@a} {s@c}. {Stack: {stack@a}|We use {stack@a}|Running {stack@a}}. {What could cause this|How do I debug it|Ideas}{q}
  {project@a}: {how do I {v@c}|{s@c}|is {p@c} overkill here|best {n@c} for {p2}}{q}
  {s@c}. This is the error:\n{error}\n{What does it mean|How do I fix it|help}{q}
  {Review|Refactor|Explain|Speed up|Find the bug in} this:\n{snippet}
  {snippet}\n\n{Why is it that {s@c}|How would you {v@c} here|What is wrong with {ident@a}|Add {p@c} to this|Write tests for this}{q}
  {Write|Give me} a {n@c} that can {v@c}. It has to work with {stack@a}{ctx}.
  How would you structure {p@c} in {project@a}{q} Currently {ident@a} does everything.
  {error}\n\n{stack@a}, {project@a}. ^{s@c}.
  Convert this to {lang@a}:\n{snippet}
  Should {ident@a} in {project@a} use {p@c} or {p2}{q}
  {Add|I need} {logging|type annotations|comments|error handling|a retry} for {ident@a}:\n{snippet}
ask.create
  *2 {ask.any}
  {Write|Draft} a {n@c} {about|for} {muse@a}. {Tone: {dark|funny|warm|dry|hopeful}|{length}|Include {p}|No {p2}}.
  My {hero|main character} {first@a} {is a {job@a}|lives in {city@a}|owns a {animal@a} called {first@a2}}. {Help me {v@c}|{s@c}|Write the next
     {n@c}}.
  In {title@a} {s@c}. {How do I fix it|Rewrite it|Suggest {small} alternatives}{q}
  {Rate|Critique|Continue|Rewrite in the style of a {adj} fable}: {prose@c}
  {small} {titles|first lines|names|endings} for {muse@a}, no {p@c}
  {first@a} meets {first@a2} in {city@a}. Write the {n@c}, {length}.
  {prose@c}\n\n{Make it {shorter|darker|funnier}|Continue|More {p}|What is missing here}{q}
muse
  {title@a}
  {my {kin@a} {first@a}|a {job} from {city}|a {animal} called {first@a2}|the {street} murders|two {job}s in {city}}
title
  "{The|A} {Last|Silent|Burning|Hollow|Second|Paper|Glass|Winter|Salt} {Orchard|Harbor|Engine|Garden|Witness|Choir|River|Letter|House} of ^{coined}"
  "^{coined}"
prose
  {first@a} {stood at|walked past|waited by|remembered} the {old|empty|narrow|bright} {bridge|kitchen|station|field|harbor} in {city@a}.
     {prose.more}
prose.more
  Nobody had {opened the door|spoken of {first@a2}|seen the {animal@a}} for {dur}. {The {rain|letter|train|music} {stopped|arrived|came back}|It
     was {month} again}.
  "{You are late|I kept your {animal@a}|We should leave|Do not ask}," said {first@a2}. The {rain|light|radio|clock} went on.
  {first@a2} had left {dur} before, and the {house|garden|boat} {still smelled of|was full of} {salt|smoke|oranges|paint|snow}.
stack
  {lang} and {Postgres|Redis|SQLite|MongoDB|Kafka|MySQL|S3} on {Ubuntu|Debian|a Mac|Windows|a Raspberry Pi|AWS|Azure|Fly.io}
  {lang} {3|1|2|17|21}.{digit}, {Docker|nginx|GitHub Actions|Terraform|pytest|Vite|GraphQL|gRPC|Celery|RabbitMQ}
lang
  {Python|TypeScript|Go|Rust|Java|Kotlin|Swift|C++|C#|PHP|Ruby|Scala|Elixir|R|Julia|Bash}
snippet
  ```\ndef {ident@a}({item}, {item}=None):\n    {item} = []\n    for x in {item}:\n        if x.{item} > {int2}:\n            {item}.append(x)\n
        return {item}\n```
  ```\nconst {item} = await fetch(`/api/{item}/$\{{ident@a}\}`);\nif (!{item}.ok) throw new Error("{item}");\nset{ident}({item});\n```
  ```\nSELECT {item}_id, COUNT(*) AS {ident}\nFROM {item}s\nWHERE {item}_at > '{recent}-0{digit1}-{int2}'\nGROUP BY {item}_id;\n```
  ```\nfn {ident@a}({item}: &[u{8|32|64}]) -> Option<usize> \{\n    {item}.iter().position(|x| *x == {int2})\n\}\n```
  ```\nfunc {ident@a}(ctx context.Context, {item} string) error \{\n\t{ident}, err := db.Query(ctx, {item})\n\tif err != nil \{ return err
     \}\n\treturn nil\n\}\n```
  ```\nclass ^{coined}:\n    def __init__(self, {item}):\n        self.{ident} = {item}\n\n    def {ident@a}(self):\n        return
     self.{item}[{small}]\n```
  ```\nservices:\n  {project@a}:\n    image: {item}:{small}.{digit}\n    ports: ["{digit1}{int3}:80"]\n    environment:\n      - {item}={file}\n```
  ```\nfor f in $(ls {item}/*.{csv|log|gz}); do\n  {grep|awk|sed} '{item}' $f >> {file}\ndone\n```
  ```\n{item}.groupby("{item}")["{ident@a}"].{sum|mean|count}().reset_index()\n```
long
  *3 {para}
  *3 {para}\n\n{para}
  *2 {para}\n\n{para}\n\n{para}\n\n{para}
  {para}\n\n{para}\n\n{para}\n\n{para}\n\n{para}\n\n{para}\n\n{para}\n\n{para}
  Dear {first@a3},\n\n{para}\n\n{para}\n\nRegards,\n{first@a}
para
  {pas} {pas} {pas} {pas}
  {pas} {pas} {pas} {pas} {pas} {pas}
ask.log
  {s@c}, log:\n{trace}
  {trace}\n{Why does {project@a} do this|What does it mean|Where do I look}{q}
trace
  {trace.line}\n{trace.line}\n{trace.line}\n{error}
  {trace.line}\n{trace.line}\n{trace.line}\n{trace.line}\n{trace.line}\n{error}
  {trace.line}\n{trace.line}\n{trace.line}\n{trace.line}\n{trace.line}\n{trace.line}\n{trace.line}\n{trace.line}\n{trace.line}\n{error}
trace.line
  {recent}-0{digit1}-1{digit} 1{digit}:{minute}:{minute} {INFO|WARN|DEBUG} {ident@a} {item}={int3}
  {recent}-0{digit1}-1{digit} 0{digit}:{minute}:{minute} ERROR {project@a} {error}
  \s\s\s\sat {ident}.{ident@a}({file}:{int2})
passage.en
  {pas} {pas} {pas}
  {pas} {pas}
  {pas} {pas} {pas} {pas} {pas}
pas
  Our {n} {has changed|needs attention|was fine until {month}|cost us {money}|is {small} years old|comes from {company}}.
  We {decided|agreed|plan|tried} to {v} {when}.
  {first@a} {told me|wrote|thinks|insists} that {s}.
  The {main|real|only|biggest} issue {is|remains} {p}, {followed by {p2}|not {p2}|as {first} said}.
  {In|Since|Until} {month} {recent}, {s}.
  About {percent} % of {the cost|the time|the work|all cases} {goes to|comes from} {p}.
  I {think|believe|doubt|heard} that {p} {matter more than|depend on|have little to do with} {p2}.
  The {n} and the {n2} {should be looked at together|are both {new|old|missing}|arrived {when}}.
  ^{s}, {but|and|so|although} {s2}.
  {company@a} {offers|wants|charges {money} for|knows about} {p}.
  It took {dur} to {v}, which {surprised|annoyed|pleased} {first@a}.
  To {v}, you {first|usually} {v2}.
follow.en
  {and|ok and|what about} {p@c2} {with my {n@c}|in that case|for {own}|{when}}{q}
  {What if|But} {s}{q}
  {ok,|Thanks,|hmm,|right,} but {s@c2}. {Does that change anything|Still the same advice|Now what|And then}{q}
  {Can you|Please|could you} {shorten|expand|rewrite|simplify} the part about {the {n@c}|{p@c}}{q}
  Now {rewrite it|do the same|explain it|make a version} for {audience}{r:, {length}||}.
  {Make it|Now make it|a bit} {shorter|less formal|more detailed|funnier|simpler} {and mention {p@c2}|but keep the {n@c}|, {length}|and drop {p2}}
  How {does|would} {that|this} work {with {p@c2}|for {own}|if I also {v}|on a {n}}{q}
  {Can you give|Give} {me|us} {an example with|more on|numbers for|alternatives to} {p@c2}{q}
  What do you mean by {p@c2}{q}
  {Put|Turn} {that|this} into {format} {for {own}|with {p@c2}|, {length}}.
  {I tried that|Did that}, {now|and still} {s@c2}.
  and {how much|how long|how often} {for|with} {a {n@c2}|{p@c2}}{q}
  {Which|what} of {these|those} {is best for|works for|would {first@a} like for} {own}{q}
  also {v@c2}{q}
  {Should I {v}|Do I {v2}} {first|before that|as well|instead}{q}
  {why not|why} {p@c2}{q}
  {Continue|go on|more} {with {p@c2}|about the {n@c}|, next {n2}}
  I forgot: {s@c2}. {Update the plan|Does it matter|Please revise}.
  {great|perfect|nice}, {and|now} {v@c2} {please|for me|too}
  {shorter|simpler|again}, please, {first@a} {has to read it|won't get it}
  {Is there|Any} {a {adj} {n@c2}|{p@c2}} {you would recommend|I can try|for {money}}{q}
  {r:more|continue|go on|why|ok thanks|shorter please|another one|are you sure|try again|in english please|make it shorter|thanks!}
persona.en
  I am a {job@a} from {city@a}{, and I work at {company@a}||}.
  As a {job@a} {at {company@a}|in {city@a}}, I ask the following.
  My name is {first@a} and I am a {job@a}{| from {city@a}}.
  {I am preparing|This is for} {a course|my notes|a workshop} at {company@a}{| in {city@a}}.
"""
STYLES = ("code", "study", "work", "life", "create")
