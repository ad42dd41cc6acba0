"""Topics of everyday life, leisure and the arts; the format is that of :mod:`fingerprint.simulate.topics_tech`."""

from __future__ import annotations

TEXT = r"""
== health life
# strength training
n deadlift; squat; training plan; rest day; protein shake; bench press; warm-up; home gym; pull-up; plateau
p reps; progressive overload; form cues; muscle groups; recovery; calories; supplements; sore muscles; kettlebells
v add weight to the bar; train three days a week; fix a squat; build a home gym; do a first pull-up; plan a deload
s my lower back hurts after deadlifts; the bench has not moved in months; my knees cave in; I lose form on the last rep
# running
n marathon plan; long run; tempo run; running shoe; half marathon; shin splint; heart rate zone; race day; trail; cadence
p intervals; blisters; gels; easy miles; hill repeats; injuries; recovery weeks; split times; stretches
v run a first ten k; break two hours; pace a race; train in the heat; come back after an injury; choose shoes
s my shins hurt after two miles; I hit the wall at thirty; my heart rate is too high on easy runs; I get side stitches
# eating well
n meal plan; calorie target; snack; fiber; breakfast; vegetarian diet; food diary; sugar craving; smoothie; lunch box
p macros; vitamins; portion sizes; cheat days; labels; healthy fats; protein sources; leftovers; intolerances
v eat more protein; plan meals for a week; cut sugar; lose five kilos slowly; read a label; feed a vegan guest
s I am hungry an hour after lunch; the scale does not move; my kids eat only pasta; I snack at midnight
# sleep
n bedtime routine; alarm; mattress; nap; sleep diary; night shift; snoring partner; melatonin dose; blackout curtain; weighted blanket
p sleep cycles; screens; caffeine; nightmares; time changes; early waking; room temperatures; naps
v fall asleep faster; reset my rhythm; stop snoozing; sleep after a night shift; keep a sleep diary; nap without grogginess
s I wake up at four every night; my partner snores; I cannot switch off my head; I am tired all day
# back and joint pain
n physiotherapist; herniated disc; office chair; knee brace; foam roller; posture; shoulder; stretching routine; MRI report; heel spur
p exercises; sitting hours; painkillers; cartilage; scans; pinched nerves; flare-ups; standing desks; inflammation
v stretch at the desk; read an MRI report; strengthen the core; set up a chair; ease a stiff neck; walk again after surgery
s my back locks up when I bend; the knee clicks on stairs; the pain moves into the leg; the exercises make it worse
# stress and anxiety
n panic attack; therapist; breathing exercise; journal; trigger; boundary; burnout; worry list; social event; meditation app
p intrusive thoughts; coping skills; deadlines; medication questions; habits; emotions; sick leave; self-care; difficult talks
v calm down before a talk; say no without guilt; find a therapist; start a journal; explain it to my boss; stop overthinking
s my heart races for no reason; I dread Mondays; I cry at small things; I cannot enjoy weekends
# diabetes and blood values
n glucose monitor; insulin dose; lab result; blood pressure; cholesterol; HbA1c; snack; thyroid value; doctor visit; test strip
p carbs; hypos; side effects; ranges; statins; diets; readings; prescriptions; iron levels
v read a lab result; lower the blood pressure; count carbs; prepare a doctor visit; exercise with insulin; log readings
s my sugar is high every morning; the reading jumps after rice; the pill makes me dizzy; one value is flagged red
# skin care
n sunscreen; retinol; moisturizer; acne spot; patch test; cleanser; eczema cream; dark circle; dermatologist; serum
p ingredients; breakouts; oily skin; scars; rashes; routines; pores; allergies; exfoliants
v build a simple routine; treat a rash; layer products; fade scars; start retinol; choose a sunscreen
s my face burns after cleansing; the acne is back at thirty; the cream pills under makeup; my skin peels
# pregnancy and birth
n due date; midwife; birth plan; ultrasound; hospital bag; glucose test; morning sickness; trimester; maternity leave; baby kick
p cravings; contractions; vitamins; epidurals; appointments; swollen feet; names; risks; breathing techniques
v pack a hospital bag; write a birth plan; ease nausea; tell my manager; choose a midwife; sleep on my side
s I feel sick all day; the test results scare me; my feet swell; my mother wants to be at the birth
# allergies and asthma
n inhaler; pollen count; allergy test; antihistamine; air purifier; food label; epinephrine pen; nasal spray; reaction; specialist
p triggers; hay fever; dust mites; cross reactions; attacks; peanuts; hives; school forms; doses
v get through spring; clean a bedroom; fly with a peanut allergy; read a label; use an inhaler; write a school note
s my eyes itch all night; the spray stopped working; the school lost the pen; I react to something new
== home life
# sourdough and bread
n sourdough starter; loaf; Dutch oven; baguette; banneton; rye bread; proofing box; scoring blade; dough; focaccia
p oven spring; hydration; crumbs; folds; whole grains; fermentation times; crusts; flours; yeast
v feed a starter; shape a batard; bake without a Dutch oven; time an overnight rise; score a loaf; keep bread fresh
s the loaf comes out flat; my starter smells like acetone; the crumb is gummy; the dough sticks to everything
# weeknight cooking
n stir fry; chicken thigh; slow cooker; tomato sauce; lentil soup; sheet pan; curry; wok; risotto; stock
p leftovers; spices; substitutions; freezer meals; marinades; vegetables; side dishes; knives; seasonings
v cook for six in half an hour; use up cabbage; thicken a sauce; replace cream; scale a recipe; freeze portions
s the rice turns to mush; the sauce split; the chicken is dry; I am out of eggs
# coffee
n espresso machine; grinder; pour-over; portafilter; milk jug; French press; moka pot; kettle; tamper; bean
p extraction times; roasts; crema; grind sizes; water hardness; channels; doses; latte art; single origins
v dial in a new bean; descale a machine; steam oat milk; brew for six; choose a grinder; make cold brew
s the shot runs in ten seconds; the coffee tastes sour; the machine leaks; the milk never gets silky
# houseplants
n monstera; orchid; repotting; grow light; fiddle leaf fig; pothos; succulent; cutting; humidifier; plant shelf
p yellow leaves; fungus gnats; drainage; roots; fertilizers; aerial roots; dry air; spider mites; variegation
v save a drooping plant; propagate a cutting; repot an orchid; get rid of gnats; water while away; find a plant for a dark corner
s the leaves turn brown at the tips; tiny flies come out of the soil; the new leaves stay small; it dropped half its leaves
# vegetable gardens
n raised bed; compost heap; tomato plant; seedling; greenhouse; trellis; zucchini; rain barrel; cold frame; herb spiral
p slugs; frost; companion plants; mulch; seeds; aphids; blossom end rot; crop plans; soil acidity
v start tomatoes indoors; build a raised bed; keep slugs away; compost leaves; plan a bed; harvest seeds
s my tomatoes crack; something eats the lettuce; the seedlings fall over; the compost stinks
# plumbing
n kitchen faucet; toilet flush; drain; water heater; shower valve; pipe joint; sump pump; washing machine hose; shut-off valve; trap
p leaks; clogs; fittings; water pressure; sealants; copper pipes; threads; limescale; adapters
v replace a cartridge; unclog a drain; solder a joint; stop a running toilet; drain a boiler; find a leak
s the toilet runs all night; the shower goes cold; the pipe knocks in the wall; the faucet drips after the repair
# home electrics
n light switch; breaker; outlet; ceiling lamp; dimmer; fuse box; doorbell; ground wire; junction box; extension cord
p circuits; wire gauges; codes; LED drivers; amps; neutrals; surge protectors; two-way switches; loads
v wire a dimmer; find a tripping circuit; hang a lamp; add an outlet; label a panel; test a ground
s the breaker trips when the oven heats; the LEDs flicker; one outlet is dead; there is no neutral in the box
# painting and renovation
n living room; primer; roller; bathroom tile; kitchen cabinet; plaster crack; floor sander; wallpaper; grout; skirting board
p colors; undercoats; fumes; drying times; moldings; stains; square meters; contractors; permits
v paint over dark red; tile a shower; refinish a floor; remove wallpaper; plan a kitchen; patch a crack
s the paint peels off the ceiling; the tiles sound hollow; the contractor stopped coming; the floor squeaks
# woodworking
n dovetail; table saw; workbench; bookshelf; oil finish; hand plane; oak board; glue-up; chisel; jig
p grains; joints; finishes; clamps; warping; dust; screws; sharpening angles; plywood edges
v build a shelf; cut a dovetail; sharpen a chisel; flatten a board; finish a table; plan a workbench
s the board cupped overnight; the finish is blotchy; my joint has gaps; the saw burns the wood
# cleaning and order
n wardrobe; cleaning schedule; stain; vacuum cleaner; moving box; dishwasher; pantry; laundry day; mattress; storage bin
p smells; limescale; pet hair; wool sweaters; windows; clutter; vinegar; grout; mold spots
v get red wine out of a rug; declutter a closet; clean an oven; plan a move; fold fitted sheets; wash a down jacket
s the dishwasher leaves a film; the towels smell; the carpet has a mystery stain; I cannot throw anything away
# keeping chickens and bees
n coop; hive; queen; brood frame; egg box; smoker; swarm; rooster; feeder; honey extractor
p mites; foxes; winter stores; molts; laying rates; stings; inspections; wax; permits
v introduce new hens; check a hive; stop a swarm; harvest honey; fox-proof a coop; winter a colony
s the hens stopped laying; the queen is missing; one hen is bullied; the hive is too light
== family life
# newborns
n nap schedule; bottle; swaddle; colic; diaper rash; baby carrier; growth chart; night feed; pacifier; pediatrician
p sleep regressions; milestones; vaccines; burping; formula; first solids; bath times; visitors
v get a baby to nap; start solids; soothe colic; share the nights; fly with a baby; wean off the bottle
s she wakes every hour; he refuses the bottle; the rash will not heal; everyone gives me advice
# toddlers
n tantrum; potty; daycare; bedtime story; picky eater; sandbox; birthday party; toy; sibling; car seat
p screen times; limits; biting; words; naps; routines; emotions; vegetables; playdates
v handle a tantrum; start potty training; get through a flight; teach sharing; plan a party; leave daycare without tears
s he throws food on the floor; she says no to everything; bedtime takes two hours; he bites other children
# teenagers
n phone rule; school grade; curfew; driving lesson; first job; friend group; video game; exam week; allowance; college essay
p moods; social media; trust; chores; arguments; bullying; homework; sleep habits; privacy
v talk about drinking; set a phone rule; motivate him for school; handle lies; plan college visits; survive the eye rolling
s my daughter barely speaks to us; his grades collapsed; she is on the phone until two; he quit the team
# dog training
n puppy; leash; crate; recall; treat pouch; rescue dog; clicker; vet visit; muzzle; agility course
p barking; commands; separation anxiety; walks; fleas; chewing; socialisation; breeds; accidents
v crate train a puppy; stop leash pulling; teach a recall; introduce a cat; calm a reactive dog; trim claws
s the puppy bites hands; he barks at the doorbell; she pees when guests come; he eats everything outside
# cats
n litter box; scratching post; kitten; cat tree; vet bill; carrier; hairball; indoor cat; food bowl; water fountain
p vaccinations; meows; fights; allergies; dry food; kidneys; introductions; ticks; catnip
v introduce a second cat; give a pill; stop night meowing; move house with a cat; brush long fur; switch food
s he pees on the bed; she wakes us at five; the two fight at the window; he stopped eating
# aquariums
n betta; filter; planted tank; snail; shrimp colony; heater; water test; aquascape; quarantine tank; canister
p nitrates; algae; water changes; stocking levels; CO2; cycling; fin rot; substrates; hardness
v cycle a tank; beat algae; plan a nano tank; breed shrimp; lower the pH; treat ich
s the water is cloudy; the fish gasp at the surface; the plants melt; the shrimp keep dying
# weddings
n guest list; seating plan; best man speech; venue; photographer; vow; invitation; budget; rehearsal dinner; playlist
p RSVPs; dress codes; plus ones; caterers; timelines; family feuds; favors; rain plans; thank-you cards
v write a vow; cut the guest list; open a speech; plan a timeline; seat divorced parents; word an invitation
s the venue cancelled; my mother invites everyone; the budget has doubled; nobody answers the invitation
# caring for parents
n care home; walker; memory test; power of attorney; home aide; pill box; fall sensor; hospital stay; sibling; stair lift
p visits; benefits; costs; moods; driving tests; appointments; guilt; paperwork; respite days
v talk about driving; compare care homes; share the work; apply for support; make a bath safe; hire an aide
s dad refuses help; mum forgets the stove; my brother does nothing; the forms are endless
== travel life
# Japan trips
n rail pass; ryokan; itinerary; Kyoto temple; bullet train; onsen; capsule hotel; ramen shop; day trip; suitcase service
p cherry blossoms; tickets; manners; cash; crowds; typhoons; vegetarian meals; pocket wifi; luggage lockers
v plan ten days; get from Narita to the city; visit with kids; book a ryokan; see Fuji; eat cheaply
s the rail pass got expensive; my hotel is far out; the cherry blossoms will be over; I eat no fish
# Italy trips
n Vespa; Amalfi bus; museum ticket; agriturismo; train strike; piazza; wine tasting; ferry; rental car; Tuscan village
p parking zones; queues; tolls; beaches; regions; siestas; reservations; crowds; markets
v spend a day in Naples; skip the line; drive in Sicily; choose a lake; see Florence with kids; plan a food tour
s the museum is sold out; the train is on strike; I got a fine for driving downtown; August is too hot
# road trips
n national park; motel; rental car; campground; scenic route; cooler; map; desert crossing; cabin; audio book
p gas stops; detours; permits; altitudes; viewpoints; mileages; snacks; one-way fees; weather
v cross the country in two weeks; keep kids busy; plan the stops; sleep in the car; find quiet trails; pack the trunk
s the pass is closed; the campsites are booked; one driver gets carsick; the rental has a mileage limit
# hiking and camping
n tent; backpack; sleeping bag; water filter; hut; trail map; stove; rain jacket; summit; bear canister
p blisters; base weights; permits; storms; calories; trekking poles; campfires; ticks; navigation
v pack for five days; stay dry; choose a tent; train for a summit; cook with one pot; cross a river
s my pack weighs twenty kilos; the tent leaks; I am afraid of storms; my boots rub
# flights and airports
n layover; boarding pass; seat; lost bag; visa transit; upgrade; red-eye; airline voucher; passport line; carry-on
p delays; miles; fees; jet lag; liquids; connections; refunds; alliances; long hauls
v claim a delay; find a cheap flight; survive a layover; fly with a guitar; use miles; beat jet lag
s my connection is forty minutes; the airline lost my bag; the refund never came; the name on the ticket is wrong
# camper vans
n van conversion; leisure battery; roof vent; folding bed; gas locker; awning; water tank; swivel seat; heater; inverter
p insulation; weights; registrations; condensation; parking spots; wiring; layouts; toilets; levelling
v insulate a van; wire a battery; plan a layout; find a night spot; winterise the tank; register a camper
s the battery dies overnight; the windows drip in the morning; the fridge drains everything; the van is too heavy
== vehicles life
# used cars
n test drive; gearbox; service book; timing belt; inspection; dealer; odometer; clutch; warning light; loan
p recalls; rust; fuel economy; prices; warranties; tires; diesel filters; trade-ins; histories
v check a used car; haggle with a dealer; replace brake pads; read an error code; sell privately; compare two models
s the engine light is on; the car pulls to the left; the seller avoids questions; it stalls when cold
# electric cars
n wallbox; range; charging card; heat pump; battery report; fast charger; lease; cable; software update; home tariff
p charging curves; kilowatts; winter losses; plugs; subsidies; degradation; queues; adapters; idle fees
v plan a long trip; charge at home; read a battery report; choose a tariff; lease or buy; precondition in winter
s the charger stops at forty; the range fell in January; the app shows the wrong price; my landlord refuses a wallbox
# bicycles
n derailleur; hydraulic brake; saddle; chain; wheel; e-bike motor; bike fit; tubeless tire; bottom bracket; commuter bike
p gear ratios; squeaks; punctures; spokes; helmets; watts; racks; bearings; tire pressures
v index the gears; bleed a brake; true a wheel; find a frame size; commute in winter; fix a puncture
s the chain skips under load; the brake squeals; my hands go numb; the motor cuts out
== leisure life
# chess
n opening; endgame; rating; Sicilian; rook ending; tactic puzzle; blunder; pawn break; tournament; engine line
p pins; time scrambles; sacrifices; pawn structures; gambits; analyses; draws; weak squares; plans
v beat the London; analyse my game; reach fifteen hundred; convert a rook ending; study tactics; play on two boards
s I hang a piece every game; the engine move makes no sense to me; I lose won endings; I freeze in time trouble
# tabletop role-playing
n dungeon master; campaign; wizard; tavern; encounter; villain; dice roll; backstory; dungeon map; magic item
p hit points; subclasses; house rules; quest hooks; factions; random tables; session notes; monsters; puzzles
v balance an encounter; write a villain; run a first session; build a paladin; improvise a tavern; end a campaign
s my players ignore the plot; one player talks over everyone; the boss died in a round; the party has no healer
# Minecraft and sandbox games
n redstone door; villager farm; modpack; server; Nether portal; biome; castle; mob grinder; shader; datapack
p enchantments; chunks; plugins; seeds; lag; textures; commands; diamonds; backups
v build a castle; set up a server; automate a farm; install mods; write a command block; find a village
s the server lags with five players; the redstone does not reset; the mod crashes on start; my villagers vanish
# knitting and sewing
n sweater; gauge swatch; sewing machine; zipper; sock heel; quilt; pattern; cable stitch; hem; yarn
p needle sizes; tensions; fabrics; seams; buttonholes; darts; increases; linings; colorwork
v resize a pattern; turn a heel; sew a zipper; read a chart; fix a dropped stitch; hem curtains
s the sleeve is too tight; the machine eats the fabric; my edges curl; I ran out of yarn
# photography
n portrait; tripod; prime lens; raw file; light meter; flash; sensor; wedding shoot; long exposure; preset
p apertures; skin tones; noise; compositions; filters; shadows; backups; film stocks; white balance
v shoot at night; edit a portrait; choose a lens; pose a family; photograph birds; scan negatives
s the faces are too dark; my photos look flat; the focus misses the eyes; the colors differ in print
# guitar and bands
n barre chord; pedal board; riff; amp; capo; strumming pattern; solo; song; setlist; pickup
p scales; strings; tunings; distortion; rhythms; blisters; tabs; backing tracks; practice plans
v learn a barre chord; write a riff; set the action; improvise over a blues; mic an amp; memorise a fretboard
s the strings buzz; my fingers hurt; I cannot sing and play; the pedal hums
# piano
n sight reading; left hand; sonata; metronome; pedal; digital piano; scale; lesson; recital; arpeggio
p fingerings; dynamics; wrists; trills; practice plans; rhythms; tunings; sheet music; octaves
v learn a nocturne; practise hands together; play from lead sheets; memorise a piece; buy a digital piano; relax the wrists
s my left hand lags; I make the same mistake; the neighbors complain; I stop when I play for people
# 3D printing
n nozzle; first layer; slicer; filament; print bed; support; resin vat; retraction setting; enclosure; extruder
p strings; layer heights; infill; warping; overhangs; tolerances; calibration; bridges; adhesion
v level a bed; print a hinge; stop stringing; choose a filament; design a clip; dry a spool
s the print lifts at the corners; the nozzle clogs; the layers shift; the parts do not fit
# birds and fishing
n feeder; binoculars; warbler; fly rod; lure; trout; nest box; hide; tackle box; field guide
p calls; migrations; knots; tides; licenses; flies; plumages; spots; seasons
v identify a call; tie a fly; attract finches; choose binoculars; read a river; log sightings
s squirrels empty the feeder; the fish follow but do not bite; the line tangles; the bird was gone too fast
# board games
n Catan; rule dispute; expansion; solo mode; card sleeve; prototype; worker placement; score sheet; game night; co-op game
p victory points; house rules; player counts; downtimes; trades; drafts; strategies; components; variants
v teach a heavy game; pick a game for seven; win at Catan; design a prototype; settle a rule; store expansions
s one player takes forever; we misread a rule for years; the same person wins; the box does not close
# football and sports
n penalty; transfer; offside rule; world cup; coach; fantasy team; league table; derby; referee; youth team
p tactics; formations; injuries; records; contracts; substitutions; derbies; training drills; statistics
v explain offside; plan a youth training; pick a fantasy team; compare two strikers; coach under tens; settle a bet
s my team collapses after halftime; the parents shout at the referee; the keeper is afraid of the ball; we lost five in a row
# films and series
n plot twist; season finale; director; remake; soundtrack; villain; documentary; ending; cast; watch list
p spoilers; genres; sequels; reviews; awards; cameos; adaptations; theories; streaming services
v find a film for tonight; explain an ending; rank a trilogy; plan a horror night; recommend a series; remember a title
s I forgot the title; the ending makes no sense; the third season is dull; we can never agree on a film
== writing create
# fantasy novels
n chapter; magic system; villain; prophecy; map; kingdom; dragon; first line; mentor; heir
p world rules; point of view; subplots; names; battles; languages; pacing; side characters; flashbacks
v open a chapter; design a magic system; name a kingdom; write a battle; fix a sagging middle; kill a mentor
s my hero is boring; the middle sags; everyone talks the same; the villain has no motive
# screenplays
n logline; scene; dialogue; act break; cold open; protagonist; pilot; beat sheet; montage; monologue
p stakes; subtext; slug lines; transitions; conflicts; callbacks; stage business; running gags
v write a logline; cut a scene; sharpen dialogue; plan an act break; pitch a pilot; format a phone call
s the dialogue is on the nose; the second act drags; the producer wants a twist; the scene has no conflict
# poems and songs
n haiku; chorus; verse; rhyme; sonnet; bridge; birthday poem; ballad; lullaby; refrain
p meters; images; hooks; line breaks; syllables; slant rhymes; moods; metaphors; titles
v write a birthday poem; rhyme without cliches; fix a chorus; write a haiku; set a poem to music; find a better image
s every line rhymes with heart; the chorus falls flat; the meter stumbles; it sounds like a greeting card
# resumes and applications
n resume; cover letter; career gap; interview; reference; portfolio; LinkedIn profile; salary question; job title; summary
p keywords; achievements; buzzwords; bullet points; weaknesses; recruiters; formats; transfers; follow-ups
v shorten a resume; explain a gap; write a cover letter; negotiate a salary; answer tell me about yourself; switch careers
s I get no replies; my experience is all over the place; the job wants ten years; the interview is tomorrow
# academic papers
n abstract; literature review; reviewer; thesis; citation; research question; methods section; supervisor; conference poster; figure caption
p hypotheses; limitations; footnotes; contributions; plagiarism checks; word limits; journals; revisions; keywords
v shorten an abstract; answer a reviewer; find a gap; structure a thesis; write a discussion; choose a journal
s reviewer two hates it; my supervisor does not answer; I am over the word limit; the introduction rambles
# children's books
n bedtime story; picture book; talking animal; rhyme; little bear; adventure; moral; illustration; first reader; monster
p page turns; repetitions; ages; lullabies; fears; friends; colors; funny sounds; endings
v write a bedtime story; invent a monster; explain death gently; rhyme a farm story; plan a picture book; calm a scared child
s the story is too scary; the rhyme limps; it is too long for bedtime; the hero has no friend
# speeches and letters
n wedding toast; farewell speech; eulogy; thank-you note; apology; complaint letter; love letter; retirement card; opening joke; condolence card
p anecdotes; quotes; tones; memories; closings; deadlines; compliments; audiences; salutations
v write a toast; say goodbye to a colleague; open with a joke; apologise sincerely; thank a teacher; shorten a speech
s it sounds too stiff; I only have an hour; I hardly know him; I always cry
# blogs and journalism
n headline; interview; lead paragraph; newsletter; feature; op-ed; source; fact check; press release; podcast script
p quotes; deadlines; angles; readers; clicks; corrections; paywalls; outlines; hooks
v write a headline; prepare an interview; pitch an editor; cut an article; structure an op-ed; turn notes into a feature
s the intro is boring; my source backed out; the editor cut the best part; the headline is clickbait
== society study
# climate and energy policy
n carbon tax; heat wave; wind farm; climate report; power grid; emission target; flood map; nuclear plant; heat plan; trade deal
p subsidies; tipping points; lobbies; offsets; storage costs; adaptation plans; treaties; fossil fuels; scenarios
v explain a carbon price; compare wind and nuclear; read a report; debate an uncle; plan a lesson on climate; estimate a footprint
s two studies give opposite numbers; the town blocks the wind farm; the report is eight hundred pages; my uncle denies it
# elections and politics
n ballot; coalition; parliament; campaign poster; referendum; mayor; debate; poll; constitution; veto
p districts; parties; turnouts; lobbyists; term limits; budgets; fake news; minorities; scandals
v explain proportional voting; compare two programs; prepare a debate; read a poll; write to a representative; run for council
s both sides claim to have won; the poll contradicts the result; the bill is unreadable; nobody in my town votes
# space missions
n rocket; rover; launch window; heat shield; space station; lander; probe; astronaut; moon base; booster
p orbits; payloads; fuels; budgets; radiation; dockings; delays; trajectories; crews
v explain a gravity assist; follow a launch; compare two rockets; plan a school talk; compute a delta-v; name the moon missions
s the launch slipped again; I do not get orbital mechanics; the rover went silent; the budget was cut
# economics
n inflation; central bank; supply curve; trade balance; minimum wage; game theory; tariff; recession; tax cut; auction
p elasticities; externalities; public goods; exchange rates; incentives; monopolies; interest rates; productivity; subsidies
v draw a supply curve; explain inflation; find an equilibrium; compare two policies; solve a game; read a central bank report
s prices rise but wages do not; the model assumes too much; the curve shifts the wrong way; two economists disagree
"""
