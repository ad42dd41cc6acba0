"""Names, places, amounts and other words that any frame may use; see :mod:`fingerprint.simulate.grammar` for the notation."""

from __future__ import annotations

TEXT = r"""
n
  *4 {tn@a1}
  *2 {tn@a2}
  *4 {tn}
p
  *4 {tp@a1}
  *2 {tp@a2}
  *4 {tp}
v
  *4 {tv@a1}
  *2 {tv@a2}
  *4 {tv}
s
  *3 {ts@a1}
  *2 {ts@a2}
  *4 {ts}
n2
  *2 {tn@a3}
  *2 {tn@a4}
  *5 {tn}
p2
  *2 {tp@a3}
  *2 {tp@a4}
  *5 {tp}
v2
  *2 {tv@a3}
  *2 {tv@a4}
  *5 {tv}
s2
  *2 {ts@a3}
  *2 {ts@a4}
  *5 {ts}
q
  {qmark@a}
qmark
  *8 ?
  *3 \e
  *1 ??
  *1  ?
digit
  {0|1|2|3|4|5|6|7|8|9}
digit1
  {1|2|3|4|5|6|7|8|9}
int2
  {digit1}{digit}
int3
  {digit1}{digit}{digit}
minute
  {0|1|2|3|4|5}{digit}
small
  {2|3|4|5|6|7|8|9|10|12|15}
year
  *4 19{digit}{digit}
  *2 18{digit}{digit}
  20{0|1}{digit}
recent
  20{12|15|17|18|19|20|21|22|23|24|25}
percent
  {3|5|8|12|15|18|20|25|30|35|40|45|60|75|80}
price
  {digit1}{0|5}
  {digit1}{digit}.{50|90|99}
  {digit1}{digit}0
  {digit1},{digit}00
money
  {$|£|€}{price}
  {price} {dollars|euros|pounds}
dur
  {small} {days|weeks|months|hours}
  {a week|two weeks|a month|half a year|a year|two years|a few days|ages}
when
  {by|before|until} {weekday}
  {this|next} {week|month|weekend|spring|autumn}
  {in|within} {small} {days|weeks}
  {tomorrow|tonight|this afternoon|on {weekday}|in {month}}
weekday
  {Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday}
month
  {January|February|March|April|May|June|July|August|September|October|November|December}
first
  {Aisha|Akira|Alejandra|Amara|Anders|Anika|Anton|Arjun|Beatriz|Ben|Bianca|Carlos|Carmen|Chen|Chloe|Claire|Dana|Daniel|Darius|Deepa|Diego}
  {Ebba|Elena|Eli|Emeka|Emma|Erik|Esra|Ewa|Farid|Fatima|Felix|Fiona|Freya|Gabriel|Giulia|Goran|Grace|Hana|Hannah|Hassan|Hugo|Ibrahim|Imani}
  {Ines|Ingrid|Isaac|Ivan|Jack|Jana|Javier|Joao|Jonas|Julia|Kaito|Kamil|Karim|Katya|Kenji|Kofi|Lars|Laura|Leila|Lena|Leo|Liam|Lin|Lucia|Luka}
  {Maja|Malik|Marek|Maria|Marta|Mateo|Mei|Mia|Milan|Mina|Mohan|Nadia|Naomi|Nathan|Nina|Noah|Noor|Olga|Oliver|Omar|Oscar|Paula|Pavel|Pedro|Petra}
  {Priya|Rafael|Rania|Ravi|Rosa|Ruth|Ryan|Salma|Sam|Sara|Sebastian|Sofia|Stefan|Sven|Tariq|Theo|Tomas|Uma|Vera|Victor|Wei|Yara|Yuki|Zane|Zoe}
last
  {Abara|Adler|Almeida|Bakker|Barros|Becker|Bianchi|Brandt|Carter|Castillo|Chavez|Cohen|Costa|Dahl|Delgado|Diallo|Dubois|Eriksen|Farkas|Fischer}
  {Fontana|Foster|Garcia|Greene|Gupta|Haddad|Hansen|Hughes|Ito|Jensen|Kaplan|Keller|Khan|Kim|Kowalski|Larsen|Leclerc|Lindholm|Lopez|Mahmoud}
  {Mbeki|Mendes|Moreau|Murphy|Nakamura|Novak|Okafor|Olsen|Orlov|Osei|Park|Patel|Pereira|Petrov|Quinn|Rahman|Ramos|Reyes|Rossi|Santos|Sato}
  {Schmidt|Sharma|Silva|Singh|Svensson|Tanaka|Torres|Tran|Ueda|Vargas|Virtanen|Vogel|Wagner|Walsh|Weber|Wong|Yilmaz|Young|Zhang|Zimmer}
syl
  {ba|be|bo|bri|ca|cel|cor|da|del|do|dra|el|en|fa|fen|fi|fro|ga|gel|go|ha|hel|hi|il|in|jo|ka|ke|kor|la|le|li|lo|lu|ma|mer|mi|mo|na|ne|ni|no|nu|ol}
  {or|os|pa|pe|pi|po|qui|ra|re|ri|ro|sa|se|sha|sil|so|sta|ta|te|tha|ti|to|tra|tri|ul|ur|va|ve|vi|vo|wa|wi|wyn|xa|ya|yo|za|ze|zi|zu}
coda
  {n|r|s|x|l|m|nd|rk|sk|th|va|la|ro|do|ly|fy|gen|ton|dale|field|wick|base|flow|desk|hub|kit|lab|net|ops|path|sync|works}
coined
  {syl}{coda}
  *2 {syl}{syl}
  *3 {syl}{syl}{coda}
company
  ^{coined} {Labs|Ltd|GmbH|Inc|Studio|Foods|Logistics|Partners|Systems|Group|Clinic|Books|Energy|Tools}
  {last} {& Sons|& {last}|Consulting|Bakery|Architects|Dental|Motors|Law|Interiors|Farms}
  ^{coined}
project
  *3 {coined}
  {coined}-{api|app|bot|web|core|etl|cli|ui|infra|docs}
  ^{coined}
city
  {Aberdeen|Accra|Adelaide|Ankara|Antwerp|Athens|Austin|Bangalore|Basel|Belfast|Bergen|Bilbao|Boise|Bordeaux|Boston|Brno|Bristol|Cairo|Calgary}
  {Cape Town|Cardiff|Chennai|Cork|Dakar|Denver|Detroit|Dublin|Dundee|Eugene|Gdansk|Geneva|Ghent|Graz|Halifax|Hanoi|Helsinki|Houston|Izmir}
  {Jakarta|Karachi|Kobe|Krakow|Lagos|Leeds|Leipzig|Lima|Lisbon|Ljubljana|Lyon|Madison|Malaga|Manila|Medellin|Memphis|Milan|Mombasa|Montreal}
  {Mumbai|Nairobi|Nantes|Oakland|Omaha|Osaka|Ottawa|Perth|Pittsburgh|Porto|Portland|Prague|Pune|Quito|Reno|Riga|Rotterdam|Salzburg|Santiago}
  {Seattle|Seoul|Seville|Sheffield|Sofia|Split|Tallinn|Tampa|Tbilisi|Toronto|Trieste|Tucson|Turin|Utrecht|Valencia|Vilnius|Wellington|Zagreb}
job
  {nurse|teacher|carpenter|student|data analyst|retired engineer|shop owner|paralegal|barista|warehouse manager|product manager|dentist|sound
     engineer}
  {PhD student|freelance designer|bookkeeper|translator|bus driver|chef|developer|librarian|single parent|postdoc|estate agent|physiotherapist|
    farmer}
  {recruiter|high school student|civil servant|consultant|copywriter|electrician|journalist|lab technician|tour guide|social worker|sysadmin|
    violinist}
kin
  {wife|husband|partner|son|daughter|brother|sister|mother|father|grandmother|neighbor|boss|colleague|roommate|best friend|uncle|cousin|coach|
    teacher}
animal
  {dog|cat|horse|rabbit|parrot|tortoise|beagle|labrador|terrier|poodle|greyhound}
street
  ^{syl}{coda} {Street|Road|Lane|Avenue|Hill}
ident
  {load|get|sync|parse|build|fetch|check|merge|update|render|save|score|clean|send}_{item}
  {item}_{list|map|total|count|id|cache|path|row|key}
  {item}
item
  {user|order|invoice|sensor|ticket|report|token|booking|player|image|file|event|price|message|node|frame|account|sample|route|session|task|label}
  {coined}
file
  {ident}.{csv|json|log|txt|yaml|xlsx|parquet}
adj
  {simple|cheap|quick|reliable|realistic|detailed|short|solid|sensible|beginner friendly|safe|clean|fair|honest|good|clear|practical}
audience
  {a beginner|my team|my boss|a ten-year-old|customers|my parents|non-native speakers|the board|a class of thirty|experts|my {kin@a}|new colleagues}
  {students|a general reader|investors|someone who hates {p}|volunteers|a five-year-old|people over seventy|our users}
format
  {a table|bullet points|a checklist|three short paragraphs|a step-by-step list|an email|one sentence|a script|a letter|a one-page summary|a
     timeline}
length
  {in {50|80|100|120|150|200|250|300|400|500} words|in {two|three|four|five} sentences|in one paragraph|on one page|in under a minute of speech}
error
  {TypeError: {ident} is not a function|KeyError: '{item}'|ValueError: invalid literal for int() with base 10: '{item}'|Segmentation fault (core
     dumped)}
  {ERROR {4|5}0{0|1|2|3|4} while calling /{item}/{ident}|panic: runtime error: index out of range [{small}]|Cannot read properties of undefined
     (reading '{item}')}
  {connect ECONNREFUSED 127.0.0.1:{digit1}{int3}|java.lang.NullPointerException at {ident}:{int2}|line {int3}: unexpected token near '{item}'|
    exit status {int2}}
"""
