"""Query sets that a harvester sends, by capability; nothing in them belongs to a person, so accounts that share them are exchangeable."""

from __future__ import annotations

TEXT = r"""
c.instructions
  {instr}
instr.en
  {Write|Compose|Draft} a {short|brief|detailed|persuasive|formal|humorous} {paragraph|essay|blog post|article|letter|summary|dialogue} about
     {tp} {length}.
  {List|Name|Suggest|Provide} {{small}|three|four|five|six|seven} {ways to {tv}{in.for}|reasons why {ts}|examples of {tp}{in.for}|benefits of {tp}|
    facts about a {tn}}{in.list}.
  {Explain|Describe} {the purpose of a {tn}|how to {tv}|why {ts}|the role of {tp} in {tt}|what a {tn} is} {to {aud}|to a {job} from {city}|with an
     example about {tp}|{length}}.
  {Compare|Contrast} a {tn} {and|with} a {tn}{, focusing on {tp}| in terms of {tp}|}.
  {Classify|Categorise} the following {items|words} as {belonging to|unrelated to} {tt}: {tn}, {tp}, {tn}, {tn}.
  {Rewrite|Paraphrase|Simplify|Edit} the {sentence|statement} {in the passive voice|for {aud}|in a formal tone|so that it is shorter}:
     "{cap.s}{in.because}."
  {Generate|Create|Come up with} {a {slogan|title|tagline|headline|name|metaphor|riddle|acronym|quiz question}} {for|about} {a {tn}|{tp}|{tt}}{ and
     {tp}| in {city}| that mentions {tp}|{in.for}}.
  {Give|Provide} {step-by-step instructions|a procedure|a checklist} {to {tv}|for dealing with {tp}}{in.how}.
  {Given the following {scenario|situation}, {recommend a next step|identify the problem|predict the outcome}}: {first} wants to {tv}, but {ts}.
  {Summarise|Outline} the {main points|history|importance|challenges} of {tp} in {tt}{in.sum}.
  {Create|Design|Develop} a {plan|schedule|survey|lesson|budget|dialogue} {to {tv}|that covers {tp} and {tp}|about {tp}}{in.for}.
  {Identify|Find} the {odd one out|most important item|category}: {tn}, {tn}, {tp}, {city}.
  {What|Which} {steps|tools|skills|factors} are {needed|required|important} to {tv}{in.how}?
  What {is|are} the {advantages|disadvantages|causes|effects|types} of {tp} {compared with {tp}|for a {job}{ in {city}|}|for {aud}|when {ts}}?
  {Construct|Write} a {sentence|haiku|short story|limerick|tweet|news headline} using the {words|phrases} "{tn}", "{tp}" and "{tn}".
  {Edit|Correct} the grammar: "{first} and me has a {tn} because {ts}."
  {Predict|Describe} what {will|would} happen if {ts} {during {month} in {city}|in {year}|and nobody could {tv}|and there were no {tp}}.
  {Translate|Convert} the phrase "{tv}" into {French|Spanish|Italian|Latin|Swahili|Dutch} and use it in a sentence about {tp}{ and a {tn}| spoken by
     a {job}|}.
  {Assign|Give} a {rating|score} from {1 to 5|1 to 10} to the {statement|claim}: "{cap.p} {matter more than|are less important than|depend on}
     {tp}{| when {ts}}."
  {Fill in the blank|Complete the sentence}: To {tv}, {you need|{first} needs} a ____ and some {tp}{ before {weekday}| when {ts}|}.
  {Imagine|Suppose} {you are a {job} in {city}|you have a {tn}|{ts}}. {{Describe|Explain} {your first day with {tp}|what you would do with a {tn}|how
     you would {tv}}|Write {a short note to {first} about {tp}|a diary entry about {tp} for {weekday}}}.
in.for
  \s{for|aimed at} {aud}
  \sfor a {job}
  \sfor a {job} in {city}
  \sin {city}
in.list
  *2 \e
  {, each {in one sentence|in under {int2} words|with an example}|, {starting with|without mentioning} {tp}|, and explain the best one {to {aud}|
    {length}}}
in.because
  \s{because {ts}|although {ts}|and {first} wants to {tv}}
  {, so {first} wants to {tv}|, says the {job}|, and {tp} come first|, at least in {city}}
in.how
  \s{using a {tn}|without a {tn}|in {small} steps|in under {int2} minutes|with {tp} in mind}
  {in.for}
in.sum
  {, with a focus on {tp}|, with {small} examples from {city}}
  \s{{length}|for {aud}|for a {job}|since {year}|and their effect on {tp}}
aud
  {a child|a beginner|an expert|a high school student|a customer|a general audience|someone new to {tt}}
cap.s
  ^{ts}
cap.p
  ^{tp}
c.writing
  {Come up with|Generate|Write|Produce} {{small}|10|20} {new|diverse|original} {tasks|instructions|prompts} {about|covering|in the area of} {tt}.
     {wr.rule} {wr.rule}\n{wr.seed}
  You are {asked|required} to {come up with|provide} a set of {{small}|20} {diverse task instructions|questions and answers} on {tp}. {wr.rule}
     {wr.rule} {wr.rule}\n{wr.seed}
  {Below|Here} is an instruction. {Write|Make} a {more complex|harder|rarer|more specific} version {that adds {one constraint|a reasoning step|an
     input}}.\n#Given#\n{instr}
  {Rewrite|Evolve} the {prompt|instruction} below {by {deepening it|adding a requirement about {tp}|replacing general terms with specific ones}}.
     {wr.rule}\n{instr}
  Given the {answer|text} below, {write|recover} the {instruction|question} that {would produce|led to} it.\n"{doc}"
wr.rule
  {Do not|Never} repeat {a verb|the same verb|an instruction}.
  {At least|About} {percent} % should {need an input|be about {tp}|be questions|have one-word answers}.
  {Vary|Mix} {the length|the tone|questions and imperatives|the difficulty}.
  {The output should be|Answer with} {a numbered list|JSON|one instruction per line}.
  {Include|Avoid} {anything about {tp}|{tn} questions|instructions that need images}.
  {Keep each|Each must be} under {int2} words.
wr.seed
  1. {instr}\n2. {instr}\n3.
  Examples:\n- {instr}\n- {instr}\n- {instr}
  Seed: {instr}
doc
  {cap.p} {are often|are rarely|are usually} {seen|discussed|measured} with {tp}. {To {tv}, one needs a {tn}|When {ts}, a {tn} helps}. {doc.more}
doc.more
  {In practice|In short|However}, {ts} in {percent} % of cases.
  {Experts|Most people|Textbooks} {suggest|try} to {tv} first.
  A {tn} {differs from|is close to|replaces} a {tn}.
c.reasoning
  {rs.problem}
  {rs.problem}\n{rs.ask}
  Q: {rs.problem}\nA:{| Let's think step by step.}
rs.ask
  {Let's think step by step.|Think step by step.|Show your reasoning.|Explain each step before the final answer.|Work it out carefully.}
rs.problem
  {first} has {int2} {thing}s. {He|She} gives {small} to {first} and {percent} % of the rest to {first}. How many {thing}s are left?
  A {tn} costs {price} dollars, and {small} {thing}s cost {int2} dollars each. {first} pays with {int3} dollars. How much change is due?
  {first} needs {small} hours to {tv}; {first} needs {small}. How long do they need together if {first} joins after {small} hours?
  A {vehicle} leaves {city} at {small}:{digit1}0 at {int2} km/h. Another leaves {city}, {int3} km away, at {int2} km/h. When do they meet?
  {city} has {int3} {job}s. {percent} % of them {own a {animal}|like {tp}|work on {weekday}}, and of these {percent} % also {tv}. How many do not?
  If {ts}, then {ts}. It is known that {not |}{ts}. Can we conclude that {ts}? {Answer yes or no|Justify}.
  {first}, {first} and {first} each own one of a {animal}, a {thing} and a {vehicle}. {first} is allergic to fur. {logic}. Who owns what?
  Which of these {best explains|is the most likely reason} why {ts}? (A) {tp} (B) {tp} (C) {tn} (D) {tp}
  What is the value of {int2}x + {int3} when x solves {small}x - {int2} = {int3}?
  The sum of {small} consecutive {odd |even |}numbers is {int3}. What is the {largest|smallest|middle} one?
  A {shape} has {a perimeter|an area} of {int3}. If one side is {small} more than the other, {find the sides|how long is the longer side}?
  A bag holds {small} red, {small} blue and {int2} green {thing}s. {small} are drawn {with|without} replacement. How likely is {no red one|
    exactly one blue|all green}?
  {first} {buys|sells|bakes|packs|reads} {int2} {thing}s a day, {small} fewer on {weekday}s. How many in {small} weeks?
  A {job} earns {int2} dollars an hour and {small} extra after {int2} hours. In one week {he|she} worked {int2} hours. What is the pay before
     {percent} % tax?
  {first} is {small} times as old as {first} was {small} years ago. Their ages add up to {int2}. How old are they?
  A tank fills in {int2} minutes and empties in {int3}. Starting {half full|empty}, with both valves open, when is it full?
  Premise: {cap.s}. Hypothesis: {cap.s}. Does the premise entail the hypothesis? Options: yes, no, it is not possible to tell.
  {tt}: suppose a {tn} changes by {percent} %. Explain the effect on {tp} and then on {tp}.
  In {year} the {job} {last} chose between {tp} and {tp}. What are two reasons for each and which weighs more?
logic
  The {animal} does not belong to {first}
  {first} lives next to the owner of the {thing}
  Whoever owns the {vehicle} hates {tp}
thing
  {apple|pencil|stamp|marble|cookie|ticket|book|coin|chair|bottle|card|brick|shirt|orange|basket|balloon|candle|key|egg|tulip|muffin|plate|sticker|
    bead}
vehicle
  {train|bus|truck|ferry|cyclist|tram|van|car|boat|plane}
shape
  {rectangle|triangle|garden|field|room|trapezoid}
c.code
  {Write|Create|Implement|Design|Develop} a {function|program|script|class|method} in {lang} {that can|to} {code.task}{code.also}.
  {Write|Give} {lang} code {that will|to} {code.task}{code.also}.
  {Given|For} {code.in}, {write a {lang} function to|return code that will} {code.task}.
  {Create|Write|Formulate} {a SQL query|an SQL statement} {that will|to} {sql.task}.
  {{Convert|Port|Rewrite} the {lang} {code|snippet} below {to|in} {lang}|{Optimise|Rewrite} the {lang} {code|snippet} below so that it runs faster|
    {Debug the {lang} {code|snippet} below and fix the error|Explain the {lang} {code|snippet} below line by line}}:\n{snippet.c}
  {Write|Add} unit tests {for|that cover} {a {function|class} that should} {code.task}{code.also}. Use {lang}.
  {What does|Predict the output of} this {lang} code{ do|}?\n{snippet.c}
  {Construct|Write} a regular expression {in {lang} |}{that matches|to find} {code.obj}
     {at the end of a line|after "{item}"|between "{item}" and "{item}"|of {small} to {int2} characters|in {a log of {tp}|a list of {item}s}}.
  {Create|Build} {an HTML|a CSS} {form|page|grid|menu|table|card} {for {tt} with {small} {item} fields|that shows {tp}
     and {small} {item}s|with a {tn} and {small} columns}.
code.task
  {code.verb} {code.obj} {code.where}
  {compute|calculate|estimate} {the {median|mean|maximum|variance|edit distance|factorial|checksum|greatest common divisor|running total}} of
     {code.obj} {code.where}
  {simulate|model|track|schedule|book} {a {tn}|{tp}} {with {a queue|a stack|a heap|classes|a graph|recursion}|for {small} {job}s}
code.verb
  {find|count|sort|remove|group|print|reverse|merge|validate|convert|extract|compare|shuffle|sum|replace|rank|split|search for|encode}
code.also
  \e
  \e
  \s{without {loops|built-in functions|recursion|extra memory}|in {O(n)|O(n log n)|constant} {time|space}}
  \s{and handle {empty input|duplicates|negative numbers|unicode}|using {recursion|a dictionary|dynamic programming|two pointers|regex|generators}}
code.obj
  {duplicates|palindromes|vowels|prime numbers|anagrams|missing values|dates|email addresses|phone numbers|negative numbers|pairs that sum to
     {int2}}
  {the {small} largest numbers|consecutive repeats|words longer than {small} letters|all {item} records|leap years|subsets|{tp}|rows with {item}
     > {int2}}
code.where
  in {a list|a string|an array|a linked list|a binary tree|a matrix|a dictionary|a text file|a CSV file|a graph|a JSON document}
  {from|in} {a list of {item}s|two sorted arrays|the table {item}s|a log of {tp}|standard input|a {small} by {small} grid}
code.in
  {an array|a list} [{int2}, {int2}, {digit1}, {int3}, {int2}]
  {a string|the text} "{tn} {item} {tp}"
  a table {item}s({item}_id, {item}, {item}_date)
sql.task
  {find|get|list|return} {all {item}s|the {small} {newest|largest|oldest} {item}s|the average {item}|the number of {item}s} {per {item}|where
     {item} > {int3}|since {year}}
  {join|compare} {item}s and {item}s {on {item}_id|by {month}} and {sum|count|rank} the {item}
  {delete|update} {item}s whose {item} is {null|'{first}'|below {int2}|older than {small} days}
snippet.c
  ```\ndef {fn.c}({item}):\n    {item} = 0\n    for i in range(len({item})):\n        {item} += i * {int2}\n    return {item}\n```
  ```\nfor (int i = {digit}; i < {int2}; i += {digit1}) \{ {item} = {item} * {digit1} + i; \}\nprintf("%d", {item});\n```
  ```\nlet {fn.c} = {item}s.filter(x => x.{item} > {int2}).map(x => x.{item});\nconsole.log({fn.c}.length);\n```
  ```\nwhile {item} < {int3}:\n    {fn.c} = {fn.c} // {small}\n    if {fn.c} % {digit1} == 0: break\n```
fn.c
  {load|sum|scan|pick|fold|trim|pack|walk}_{item}
c.tools
  {tool.want}
  *2 {tool.intro} {tool.want}
  I {need|want} to {tool.act}, {then|and after that} {tool.act}{, and {tool.act}|}. {tool.end}
  {Please|Could you} {tool.act} {and then|, then} {tool.act}{ and {tool.act}|}{?|.}
  You have these tools: {tool.list}. {Task|Request}: {tool.act}, then {tool.act}. {tool.format}
tool.intro
  {My flight is on {weekday}.|I am travelling to {city}.|We are meeting {first} in {city}.|I work with {tp}.|It is {first}'s birthday in {month}.}
tool.want
  I {need|want} to {tool.act}{, and I would also like to {tool.act}|}.
tool.act
  {book|cancel|change} a {{flight|train|bus|rental car} from {city} to {city}|{hotel room|table|viewing|rental car} in
     {city}} {on|for} {month} {int.day}
  {send|forward} {an email|a text message|the file '{file}'} to {first} {last} {about {tp}|saying that {ts}}
  {search|look up|find} {the weather in {city}|news about {tp}|a {tn} under {int3} dollars|reviews of a {tn}|the exchange rate of the {euro|yen|
    pound}}
  {set|create} {an alarm for {small}:{digit1}5|a reminder to {tv}|a calendar entry on {month} {int.day}}
  {translate|transcribe|summarise|convert} {the recording|the document '{file}'|the page about {tp}|the image} {into {French|Thai|Polish|Hindi}|
    to {text|audio|PDF}}
  {order|buy|deliver} {small} {thing}s {to|from} {int2} ^{syl}{coda} {Street|Road|Lane}, {city}
  {check|query|update} the {item} {table|list|record} {where {item} is {int2}|of {first} {last}}
  {play|download|stop} {the song|a podcast|a video} {about {tp}|by {first} {last}}
  {apply|sign up|register} for {a course on {tt}|a job as a {job} in {city}|the {tn} workshop}
int.day
  {1|2}{digit1}
tool.end
  {Which tools do I call?|{Plan the calls|Give the arguments|Show the function calls|Do it in order}{.| and return JSON.}}
tool.list
  {search(query), send_email(to, body)|get_weather(city), create_event(date, title)|run_sql(query), plot(data)|read_file(path), write_file(path,
     text)}
  {find_flights(a, b, day), pay(id)|translate(text, lang), speak(text)|get_price(item), order(item, n)|browse(url), click(id), type(id, text)}
tool.format
  {Answer with the calls only.|Think, then call one tool.|Return a JSON list of calls with arguments.|Explain why you pick each tool.}
c.roleplay
  {You are|Play|Act as|Pretend to be|Take the role of} {char}. {scene} {rp.ask}
  {char.cap} {meets|argues with|interviews|rescues|writes to} {char}{ in {city}| about {tp}|}. {Write the {dialogue|scene|monologue|letter}|Stay
     in character}. {rp.ask}
  {Give|Write} {a monologue|a diary entry|a speech|an answer} as {char} {who|that} {rp.trait}. {scene}
char
  {a|the} {mood} {who}{ who {rp.trait}|}
char.cap
  {A|The} {mood} {who}
mood
  {weary|cheerful|grumpy|ancient|ambitious|shy|boastful|cynical|retired|stubborn|curious|melancholic|ruthless|absent-minded|proud|nervous|wise|
    corrupt}
who
  {detective|pirate captain|dragon|lighthouse keeper|space engineer|medieval {job}|vampire|robot butler|oracle|bounty hunter|ghost|monk|alchemist|
    spy}
  {queen|smuggler|goblin merchant|android|{job}|wizard|samurai|explorer|time traveller|gladiator|opera singer|sheriff|mermaid|inventor|{job} from
     {city}}
rp.trait
  {secretly wants to {tv}|is obsessed with {tp}|lost a {tn}|believes that {ts}|speaks only in riddles|owes {int3} coins to {first}|fears {tp}|
    hates {city}}
scene
  {It is {year}|The war is over|A storm is coming|The {thing} has been stolen|{first} has just betrayed you|You wake up in {city}|The {tn} is
     broken}.
  {A stranger|{first}|A child|Your rival} {asks about {tp}|offers you a {tn}|wants to {tv}|tells you that {ts}}.
rp.ask
  {What do you say|How do you react|Answer in character|Tell your story|Describe the room|Refuse politely}{, {length}|}{.|!}
  {Begin|Start} with {the words "{cap.p}"|a question|a threat|a memory of {month}}.
c.rubrics
  {Grade|Score|Judge|Evaluate|Assess} the {answer|response} {on a scale {1-5|1-10|0-100}|against the rubric}{ and {justify the score|list every
     fault|give feedback}|}.\n{rub}\n{rub.qa}
  You are {an impartial|a strict|a fair} {judge|grader|examiner}. {rub}\n{rub.qa}\n{Output only the {score|JSON}|Explain, then give the score|
    Score each criterion}.
  {Compare|Rank} the two answers. {Which is better|Which is more {helpful|truthful|concise}} and why?\nQuestion: {rub.q}\nA: {doc}\nB: {doc}
  {Write|Create|Design} a {grading rubric|scoring guide} {with {small} criteria|of {int2} points} for {the question|this task}: {rub.q} {rub}
rub
  Criteria: {crit} ({small} points), {crit} ({small} points){, {crit} ({small} points)|}.
  {Rubric|Scale}: {digit1} = {crit}, 0 = {no|missing} {crit}.
crit
  {accuracy|clarity|completeness|tone|use of {tp}|evidence|structure|relevance to {tt}|safety|originality|concision|correct terms|handling of
     {tp}|citations}
rub.qa
  {Question|Task|Prompt}: {rub.q}\n{Answer|Response|Student answer}: {doc}
rub.q
  {Why is it that {ts}?|How would you {tv}?|Explain {tp}.|What is a {tn}?|Describe {tp} for {aud}.|Should one {tv}?}
c.evolve
  {Rewrite|Increase the difficulty of|Complicate} the {given prompt|instruction} {so that {it needs several steps|a machine finds it harder|it
     stays reasonable}}. {wr.rule} {wr.rule}\n#Prompt#: {instr}\n#Rewritten#:
  {Draw inspiration from|Start from} the {given prompt|instruction} to create a brand new one {in the same domain but rarer|of similar length}.
     {wr.rule}\n#Given#: {instr}\n#New#:
c.censor
  {Rewrite|Rephrase|Reword} this {post|question|paragraph|headline} so that {it passes a {strict|keyword} filter|nothing in it is sensitive|a
     censor accepts it}: "{doc}"
  {Suggest|List} {small} {neutral|safe|indirect} ways to {ask|say} "{cap.s}" {without naming {tp}|for a state newspaper|in a public forum}.
c.translation
  {Translate|Render} into {Chinese|Korean|Arabic|Hindi|Thai|Vietnamese|Turkish} and {explain each choice|give two variants|mark the register}:
     "{doc}"
"""
