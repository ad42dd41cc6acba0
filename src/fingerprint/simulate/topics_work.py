"""Topics of work, money and law; the format is that of :mod:`fingerprint.simulate.topics_tech`."""

from __future__ import annotations

TEXT = r"""
== business work
# startup pitches
n pitch deck; seed round; term sheet; cap table; market slide; co-founder; demo day; traction chart; investor update; burn rate
p valuations; convertible notes; warm introductions; unit economics; pilot customers; dilution; runways; due diligence; vesting rules
v pitch in two minutes; find a lead investor; answer a hard question; estimate the market; split equity; write an investor update
s investors say it is too early; my co-founder wants out; the market slide looks made up; the round is not closing
# email marketing
n newsletter; subject line; landing page; welcome sequence; call to action; mailing list; open rate; discount code; A/B test
p unsubscribes; segments; spam filters; preview texts; click rates; abandoned carts; sign-up forms; buyer personas
v write a welcome email; win back old customers; shorten a subject line; plan a launch sequence; test two offers; clean the list
s our mails land in spam; the open rate fell by half; nobody clicks the button; the copy sounds like an ad
# search engine optimisation
n keyword list; meta description; backlink; blog outline; site map; title tag; content brief; redirect chain; featured snippet; crawl report
p rankings; duplicate pages; internal links; search intents; canonical tags; local listings; anchor texts; alt texts
v rank for a local search; audit a site; write a meta description; cluster keywords; recover from an update; brief a writer
s traffic dropped after the update; Google indexes the wrong page; two pages compete for one keyword; the blog brings no leads
# social media content
n content calendar; carousel; hashtag set; short video; caption; giveaway; influencer brief; hook; community post; brand voice
p reels; follower counts; engagement rates; posting times; trends; comments; user stories; paid posts; thumbnails
v plan a month of posts; write ten captions; answer an angry comment; turn a blog into a thread; brief an influencer; grow a small account
s our reach collapsed; the videos get no saves; the tone is too corporate; we run out of ideas by Wednesday
# bookkeeping
n invoice; balance sheet; chart of accounts; bank feed; expense claim; ledger; month-end close; credit note; cash flow statement
p accruals; receivables; write-offs; VAT codes; petty cash; reconciliations; prepayments; audit trails; fixed assets
v reconcile a bank account; book a refund; close the month faster; split an invoice; chase a late payer; set up a chart of accounts
s the balance is off by nine cents; a supplier invoiced us twice; the bank feed duplicates lines; the auditor wants last year's receipts
# hiring and HR
n job ad; interview guide; onboarding plan; performance review; offer letter; exit interview; salary band; reference check; handbook; scorecard
p interview questions; probation periods; sick notes; remote contracts; biases; referrals; notice periods; benefits; feedback rounds
v write a job ad; reject a candidate kindly; plan a first week; give hard feedback; compare salaries; handle a complaint
s two of five new people left; the candidate ghosted us; the team refuses the review form; nobody applies for the role
# sales
n cold email; discovery call; CRM field; proposal; pipeline review; objection; demo script; discount request; quota; account plan
p leads; follow-ups; decision makers; contract renewals; upsells; no-shows; buying signals; competitors; closing techniques
v handle a price objection; write a cold email; run a discovery call; revive a dead deal; qualify a lead; prepare a renewal
s the prospect went silent; legal has held the contract for weeks; our demo is too long; the champion has left the company
# project management
n project plan; risk register; kick-off meeting; status report; milestone; Gantt chart; stakeholder map; change request; retrospective; budget line
p dependencies; scope creep; estimates; handovers; dailies; lessons learned; resource conflicts; escalations; work packages
v write a status report; run a retrospective; plan a kick-off; replan after a delay; estimate a task; escalate a risk
s the vendor is three weeks late; nobody updates the board; the sponsor changes the scope; the budget is nearly gone
# product management
n roadmap; user story; feature request; persona; usability test; prioritisation matrix; release note; north star metric; backlog; beta group
p acceptance criteria; churn reasons; interviews; experiments; feature flags; trade-offs; customer segments; onboarding flows; deadlines
v write a user story; say no to a stakeholder; run an interview; define a metric; prioritise a backlog; announce a delay
s the loudest customer sets the roadmap; the metric moved and nobody knows why; engineering says it takes a quarter; users ignore the new flow
# supply chains
n warehouse; purchase order; reorder point; container; forwarder; pallet; bill of lading; supplier audit; stock count; packing list
p lead times; customs duties; safety stocks; incoterms; demand swings; returns; shortages; freight rates; slotting rules
v compute a reorder point; compare two carriers; negotiate with a supplier; speed up picking; plan a stock count; read a bill of lading
s the container is stuck in port; the stock count never matches; the supplier raised prices again; we ship half-empty trucks
# customer support
n ticket; macro; escalation path; help article; refund request; chat script; survey; service level; knowledge base; angry customer
p response times; tags; refunds; complaints; outages; backlogs; satisfaction scores; hand-offs; tone rules
v answer an angry review; write a macro; announce an outage; reduce the backlog; train a new colleague; decline a refund
s the same question comes every day; the queue doubles on Mondays; customers answer the survey only when angry; two teams reply to one ticket
# online shops
n product page; checkout; return policy; size chart; marketplace listing; shipping label; bundle; review; product photo; gift card
p conversion rates; abandoned carts; shipping costs; variants; chargebacks; stock levels; fees; bestsellers; coupons
v write a product description; cut returns; price a bundle; list on a marketplace; photograph glass; answer a bad review
s people leave at the shipping page; a buyer claims it never arrived; the size chart confuses everyone; the fees eat the margin
# consulting slides
n executive summary; storyline; issue tree; client workshop; benchmark; waterfall chart; action title; steering committee; hypothesis; one-pager
p takeaways; recommendations; market sizes; interviews; appendices; trade-offs; assumptions; quick wins; footnotes
v build an issue tree; shorten a slide; size a market; write an action title; prepare a workshop; challenge a recommendation
s the partner wants fewer words; the story has no red thread; the client disputes the numbers; the deck has ninety pages
# grants and charities
n grant proposal; donor letter; logic model; volunteer; annual report; fundraiser; needs assessment; board meeting; impact story; budget narrative
p outcomes; matching funds; overheads; beneficiaries; deadlines; partnerships; eligibility rules; donations; evaluation plans
v write a needs statement; thank a donor; plan a fundraiser; measure an outcome; recruit volunteers; answer a funder
s the funder cut our budget; the board never reads the papers; our numbers look thin; volunteers stop after a month
== money work
# household budgets
n budget; savings goal; emergency fund; credit card; subscription; grocery bill; sinking fund; debt plan; pay day; bank account
p fixed costs; impulse buys; interest rates; shared expenses; overdrafts; receipts; irregular incomes; utilities; allowances
v cut the grocery bill; pay off two cards; split costs fairly; save for a trip; track cash; plan for a baby
s the money is gone by the twentieth; we fight about spending; the card balance never shrinks; the heating bill tripled
# mortgages
n down payment; fixed rate; appraisal; closing cost; pre-approval; refinance; escrow account; lender; repayment table; home inspection
p interest rates; points; early repayments; fees; credit scores; terms; deeds; insurance rules; guarantees
v compare two offers; decide on fifteen or thirty years; refinance a loan; lower the monthly rate; read a closing statement
s the appraisal came in low; the bank wants another document; the rate lock ends on Friday; my income is irregular
# investing in funds
n index fund; brokerage account; portfolio; bond ladder; dividend; expense ratio; savings plan; rebalancing; market crash; stock split
p fees; allocations; tax lots; yields; currencies; volatility; emerging markets; diversification; drawdowns
v start with little money; rebalance once a year; compare two funds; invest a lump sum; read a fund sheet; hedge a currency
s my portfolio is half tech; the fees are hidden; I sold at the bottom; the two funds hold the same stocks
# freelance taxes
n tax return; home office; quarterly payment; receipt; deduction; invoice; tax number; mileage log; audit letter; accountant
p write-offs; self-employment taxes; thresholds; foreign clients; depreciation; penalties; business expenses; estimates
v deduct a laptop; estimate a payment; invoice a foreign client; amend a return; prepare for an audit; separate private costs
s I missed the deadline; the tax office wants proof; my client withheld tax; the form asks for a number I lack
# insurance
n claim; premium; deductible; home policy; liability cover; adjuster; water damage; travel policy; exclusion; renewal notice
p coverage limits; no-claims bonuses; waiting periods; pre-existing conditions; riders; valuations; cancellations; quotes
v file a claim; dispute a rejection; compare two policies; cancel a contract; document a damage; insure a bicycle
s the insurer rejected my claim; the adjuster never called back; the premium rose by a third; the policy excludes floods
# retirement planning
n pension; annuity; withdrawal plan; retirement age; employer match; state pension; target date fund; survivor benefit; bridge year; statement
p contribution limits; life expectancies; inflation; required distributions; gaps; early exits; health costs; transfers
v estimate what I need; catch up at fifty; combine old pensions; plan withdrawals; retire abroad; read a statement
s I started saving late; the statement is unreadable; my old employer has merged; inflation eats the plan
# cryptocurrencies
n wallet; seed phrase; exchange; cold storage; transaction fee; staking pool; smart contract; tax report; bridge; block explorer
p gas fees; scams; private keys; stablecoins; confirmations; lost coins; forks; airdrops; cost bases
v move coins off an exchange; check a contract; recover a wallet; report gains; read a block explorer; estimate a fee
s the transaction is pending for hours; the exchange froze my account; I sent to the wrong network; the token cannot be sold
== law work
# renting and tenancy
n lease; deposit; landlord; eviction notice; rent increase; mold report; roommate; inspection; sublet; handover protocol
p repairs; notice periods; utility bills; house rules; rent caps; inventories; joint leases; quiet hours; pets
v get the deposit back; contest a rent increase; report mold; end a lease early; sublet a room; write to a landlord
s the landlord ignores the heating; the deposit is three months late; the neighbors complain about noise; the contract bans pets
# immigration papers
n work visa; residence permit; passport; embassy interview; sponsor letter; family reunion; birth certificate; apostille; appointment; points test
p waiting times; translations; bank statements; language certificates; fees; overstays; dependents; rejections; biometrics
v apply for a permit; prepare an interview; extend a visa; bring my parents; translate a certificate; appeal a refusal
s the office has no appointments; my passport expires before the visa; a document was rejected; the employer changed its name
# contracts
n clause; non-disclosure agreement; liability cap; service agreement; termination right; signature page; license; penalty; warranty; addendum
p indemnities; governing laws; renewals; payment terms; intellectual property; force majeure events; definitions; notices; amendments
v simplify a clause; spot a risk; end a contract; draft an addendum; cap the liability; negotiate payment terms
s the other side struck the cap; two clauses contradict each other; the notice went to the wrong address; the term renews by itself
# privacy and data protection
n cookie banner; data request; privacy policy; processor agreement; breach notice; retention schedule; camera sign; audit; impact assessment
p personal data; deletion requests; transfers abroad; lawful bases; subcontractors; minors; backups; logs; fines
v answer a data request; write a privacy policy; report a breach; set retention times; vet a vendor; train the staff
s a customer wants everything deleted; backups still hold the data; the vendor refuses to sign; the banner blocks the site
# family and inheritance law
n will; custody plan; prenup; trust; executor; child support; estate; power of attorney; divorce petition; guardian
p visiting rights; shared debts; heirs; witnesses; mediations; maintenance payments; gifts; joint accounts
v write a simple will; plan custody; choose an executor; divide a house; prepare for mediation; challenge a will
s my ex ignores the schedule; the will is not signed; two siblings disagree; the house is in one name
== trades work
# nursing
n care plan; shift handover; infusion; medication chart; wound dressing; vital sign; triage; catheter; discharge letter; night shift
p side effects; dosages; pressure sores; infections; falls; family talks; documentation; pain scores; allergies
v write a care plan; calculate a drip rate; hand over a patient; calm a relative; prepare for an exam; document a fall
s we are two people short; the patient refuses the pills; the chart is illegible; the family wants answers now
# classroom teaching
n lesson plan; rubric; seating chart; quiz; parent meeting; worksheet; warm-up game; report card; field trip; group project
p learning goals; attention spans; differentiated tasks; exit tickets; behavior rules; reading levels; substitutes; grades
v plan a lesson on fractions; write report comments; calm a loud class; design a rubric; explain photosynthesis to ten-year-olds
s half the class is bored; a parent disputes the grade; the projector died; two pupils copy each other
# running a restaurant
n menu; food cost; prep list; supplier; tip pool; health inspection; reservation; line cook; daily special; wine list
p allergens; margins; no-shows; reviews; portions; rotas; leftovers; licenses; kitchen stations
v price a dish; write a menu; cut waste; train a waiter; pass an inspection; plan a tasting menu
s the food cost is above forty percent; a cook quit on Friday; a review claims food poisoning; we lose tables to no-shows
# farming
n tractor; crop rotation; irrigation line; soil test; calf; hay barn; subsidy form; greenhouse; seed drill; fence
p yields; pests; cover crops; fertilizers; frost dates; grain prices; silage; weeds; rainfall
v plan a rotation; read a soil test; fix a baler; treat foot rot; store grain; apply for a subsidy
s the wheat turns yellow; a cow is off her feed; the pump loses pressure; rain has stopped the harvest
# trucking and logistics jobs
n logbook; dispatch; trailer; load board; fuel card; rest stop; toll; weigh station; route; delivery slot
p driving hours; detours; cargo damages; permits; axle loads; tips; waiting times; tachographs; winter tires
v plan a route; secure a load; contest a fine; find a back load; compare fuel cards; log a delay
s the dock made me wait five hours; the trailer lights failed; dispatch booked two loads; the permit is missing
# real estate agents
n listing; open house; buyer; viewing; floor plan; commission; neighborhood guide; staging; price cut; offer
p comparables; photos; bidding wars; disclosures; zoning rules; mortgages; keys; inspections; leads
v write a listing; price a flat; stage a small room; answer a low offer; follow up a viewing; farm a neighborhood
s the flat has had no viewing in a month; the seller wants too much; the survey found damp; two buyers bid the same
== engineering work
# civil structures
n beam; retaining wall; foundation; load case; bridge; rebar layout; column; soil report; drawing; expansion joint
p moments; settlements; wind loads; shear forces; cracks; building codes; deflections; concrete mixes; safety factors
v size a beam; check a slab; read a soil report; detail a joint; estimate a settlement; model a bridge
s the deflection exceeds the limit; a crack appeared near the support; the soil report is vague; the model and the hand calculation differ
# heating and ventilation
n heat pump; boiler; duct; thermostat valve; radiator; refrigerant; floor heating; fan coil; pressure loss; expansion tank
p heat loads; air changes; filters; flow temperatures; humidity; noise limits; insulation; efficiency; balancing
v size a heat pump; balance radiators; compute a heat load; quiet a duct; find a leak; choose a filter
s the upstairs never gets warm; the heat pump ices up; the boiler short cycles; the ducts whistle
# machining and CNC
n lathe; end mill; G-code file; fixture plate; vise; feed rate; thread; tolerance; spindle; tool path
p surface finishes; chatter; coolants; chips; work offsets; inserts; cutting speeds; burrs; material grades
v cut a thread; write a tool path; hold a thin part; pick a feed; deburr a bore; probe a corner
s the end mill chatters; the bore is out of round; the part moved in the vise; the thread gauge does not fit
# solar power
n inverter; solar panel; battery; roof mount; string layout; charge controller; feed-in meter; optimizer; wallbox; shading study
p yields; grid rules; tilt angles; payback times; cable losses; surplus; permits; warranties; battery cycles
v size a battery; plan the strings; read an inverter log; estimate the yield; charge a car from the roof; compare two quotes
s the inverter shows an isolation fault; one string gives half; the installer vanished; the meter counts backwards
# circuit boards
n schematic; ground plane; footprint; decoupling capacitor; buck converter; via; connector; trace; stack-up; oscilloscope
p impedances; return paths; noise; solder bridges; clearances; heat sinks; antennas; reset circuits; test points
v route a USB pair; choose a regulator; place decoupling; debug a brownout; write a bill of materials; reflow a board
s the regulator gets hot; the board fails emissions; the crystal does not start; the clock line rings
# robotics
n robot arm; ROS node; lidar; encoder; controller; gripper; map; planner; launch file; camera mount
p inverse kinematics; transforms; sensor noise; latencies; trajectories; loop closures; torques; safety zones; calibration
v tune a PID loop; build a map; fuse two sensors; plan a pick; calibrate a camera; simulate a gripper
s the robot drifts to the left; the transform tree is broken; the arm overshoots; the map has double walls
"""
