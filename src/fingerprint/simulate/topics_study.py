"""Topics of school, university, science and language learning; the format is that of :mod:`fingerprint.simulate.topics_tech`."""

from __future__ import annotations

TEXT = r"""
== maths study
# calculus
n derivative; definite integral; limit; Taylor series; chain rule; tangent line; partial derivative; substitution; inflection point; double integral
p critical points; improper integrals; related rates; continuity; convergence tests; power series; implicit functions; volumes of revolution
v find the maximum of a function; integrate by parts; prove a limit; set up a volume integral; test a series; sketch a curve
s my answer differs by a constant; the limit gives zero over zero; I never know which substitution to use; the series test is inconclusive
# linear algebra
n matrix; eigenvector; determinant; basis; null space; projection; inverse; rotation; row reduction; orthogonal set
p eigenvalues; linear maps; vector spaces; singular values; rank conditions; subspaces; change of basis; quadratic forms
v diagonalise a matrix; check independence; find a basis of a kernel; project a vector; solve a system; compute a determinant
s my eigenvectors come out as zero; the system has no solution; I mix up rows and columns; the proof about rank makes no sense
# probability
n random variable; expected value; Bayes rule; coin flip; Markov chain; urn problem; variance; joint distribution; dice game; Poisson process
p conditional probabilities; independence; permutations; density functions; moment generating functions; tail bounds; stopping times
v count the ways; compute a conditional probability; find an expectation; model a queue; prove independence; bound a tail
s I count the same outcome twice; the probability comes out above one; two methods give two answers; the paradox still feels wrong
# geometry
n triangle; circle theorem; tangent; polygon; similar figure; angle bisector; cone; compass construction; chord; coordinate proof
p congruence; symmetries; areas; trigonometric ratios; transformations; solids; loci; vectors; inscribed angles
v prove two triangles similar; find a missing angle; bisect a segment; compute a volume; construct a pentagon; find a locus
s the angles do not add up; I cannot see the auxiliary line; the diagram is misleading; my proof goes in a circle
# algebra homework
n quadratic; word problem; inequality; fraction; exponent; polynomial; function graph; system of equations; logarithm; factor
p negative numbers; absolute values; rational expressions; sequences; domains; parabolas; roots; ratios; percentages
v factor a polynomial; solve for x; complete the square; set up an equation; graph a line; simplify a fraction
s I lose a minus sign every time; the equation has no solution; the word problem confuses me; the calculator disagrees with me
== science study
# classical mechanics
n pendulum; inclined plane; free body diagram; spring; pulley; projectile; collision; moment of inertia; friction force; rocket
p conservation laws; torques; harmonic motion; reference frames; impulses; drag forces; circular motion; potential energy
v draw the forces; find the acceleration; use conservation of energy; compute a torque; model air resistance; find a trajectory
s the block should not move but it does; my units do not match; the tension comes out negative; energy seems to be lost
# electricity and magnetism
n capacitor; magnetic field; circuit; solenoid; electric dipole; wave guide; transformer; Gauss surface; resistor network; antenna
p induced currents; field lines; potentials; Maxwell equations; impedances; displacement currents; polarisation; boundary conditions
v find the field of a ring; reduce a resistor network; compute an induced voltage; apply the right-hand rule; charge a capacitor
s the direction of the current is wrong; the field is zero where I expect a maximum; Kirchhoff gives too few equations
# organic chemistry
n reaction mechanism; carbonyl; leaving group; chiral center; benzene ring; Grignard reagent; resonance form; NMR spectrum; alkene; protecting group
p nucleophiles; stereoisomers; rearrangements; acidities; aromaticity; retrosynthesis; radicals; substitution reactions; hybrid orbitals
v draw a mechanism; predict the major product; assign a spectrum; name a compound; plan a synthesis; rank acids
s the product has the wrong stereochemistry; I cannot tell SN1 from SN2; the peak at two ppm is a mystery; the yield is tiny
# general chemistry
n titration; buffer; balanced equation; mole; galvanic cell; gas law; calorimeter; periodic table; precipitate; lab report
p limiting reagents; oxidation numbers; equilibrium constants; bond energies; concentrations; electron configurations; rate laws; indicators
v balance a redox equation; compute a pH; find a limiting reagent; draw a Lewis structure; plan a titration; convert units
s the endpoint was overshot; my pH is impossible; the oxidation numbers do not add up; the rate law is not an integer
# astronomy
n telescope; black hole; lunar eclipse; exoplanet; star cluster; nebula; light curve; red giant; meteor shower; galaxy
p redshifts; parallax; spectral lines; tides; neutron stars; dark matter; orbits; magnitudes; light pollution
v find Saturn tonight; photograph the Milky Way; compute an orbital period; estimate a distance; align a mount; read a light curve
s the stars come out as streaks; the planet is a blurry dot; the mount drifts; I cannot collimate the mirror
# genetics
n gene; allele; pedigree; mutation; plasmid; chromosome; PCR primer; promoter; knockout mouse; Punnett square
p dominant traits; gene expression; epigenetic marks; inheritance patterns; CRISPR guides; linkage; transcription factors; sequencing reads
v read a pedigree; design a primer; predict offspring ratios; clone a gene; compare two genomes; explain imprinting
s the gel shows two bands; the ratio is not three to one; the colonies do not grow; the trait skips a generation
# ecology
n food web; wetland; predator; invasive species; transect; keystone species; habitat; carrying capacity; coral reef; seed bank
p nutrient cycles; succession; biodiversity indices; migration routes; pollinators; edge effects; niches; population models
v estimate a population; restore a meadow; map a habitat; measure diversity; count birds; model predators and prey
s the model dies out after ten years; the survey missed the rare species; algae took over the pond; the quadrats disagree
# geology
n fault line; basalt; sediment core; volcano; fossil; geological map; mineral; glacier; river terrace; earthquake
p plate boundaries; isotopes; strata; erosion rates; aquifers; metamorphic rocks; seismic waves; crystal systems; ice ages
v identify a rock; read a geological map; date a layer; draw a cross section; locate an epicenter; explain a rift
s the layers are upside down; the mineral does not scratch glass; the map and the outcrop disagree; the core has a gap
# neuroscience
n neuron; synapse; EEG recording; hippocampus; action potential; fMRI scan; receptor; dopamine pathway; motor cortex; spike train
p neurotransmitters; plasticity; oscillations; ion channels; lesions; reflexes; memory consolidation; sleep stages; glia
v explain long-term potentiation; analyse an EEG; label a brain slice; compare two receptors; model a neuron; summarise a lesion study
s the artifact hides the signal; the two studies contradict each other; I mix up the pathways; the model neuron never fires
# cell biology
n mitochondrion; membrane; enzyme; mitosis; ribosome; microscope slide; protein fold; signal cascade; vesicle; stem cell
p organelles; metabolic pathways; cell cycles; receptors; antibodies; osmosis; ATP yields; cytoskeletons; apoptosis
v label a cell diagram; compare mitosis and meiosis; stain a slide; follow a protein to the membrane; compute an ATP yield
s the slide is out of focus; the pathway has too many arrows; the enzyme lost its activity; the blot is blank
== humanities study
# ancient Rome
n senate; legion; aqueduct; emperor; triumph; villa; gladiator; consul; provincial governor; mosaic
p land reforms; civil wars; slaves; citizenship rights; roads; religious cults; grain supplies; frontier forts; coins
v compare Sulla and Caesar; explain the fall of the republic; describe daily life in Pompeii; read an inscription; date a coin
s the sources contradict each other; my essay has no thesis; I confuse the Gracchi; the chronology makes no sense
# the world wars
n treaty; trench; blockade; convoy; general; propaganda poster; armistice; resistance group; home front; diary
p alliances; war economies; partitions; supply lines; code breakers; refugees; conferences; rationing; occupations
v explain the causes of 1914; compare two battles; analyse a poster; write a source critique; trace a soldier's route; summarise a conference
s historians disagree on the blame; the source is biased; I have two thousand words too many; the dates do not match
# revolutions
n assembly; manifesto; uprising; constitution; king; guillotine; pamphlet; peasant revolt; estate; colony
p grievances; bread prices; rights of citizens; counter-revolutions; political clubs; exiles; taxes; reforms; terrors
v compare 1789 and 1917; explain a turning point; weigh long-term causes; quote a pamphlet; outline an essay on Haiti
s the textbook skips the peasants; my thesis is too broad; the teacher wants counterarguments; two dates are given for one event
# ethics and philosophy
n trolley problem; categorical imperative; thought experiment; social contract; argument; paradox; virtue; premise; free will debate; duty
p moral intuitions; consequences; personal identity; knowledge claims; rights of animals; utilitarian sums; fallacies; dilemmas
v attack an argument; defend moral realism; explain Kant simply; find a hidden premise; compare Mill and Aristotle; write a dialogue
s the argument begs the question; I do not see why the premise is needed; my professor calls it a straw man; the reading is impenetrable
# literature essays
n thesis statement; narrator; sonnet; symbol; tragedy; chapter; close reading; metaphor; unreliable narrator; stage direction
p motifs; foils; free indirect style; settings; allusions; ironies; character arcs; rhyme schemes; epigraphs
v analyse a soliloquy; compare two poems; write an introduction; embed a quotation; discuss the ending; find a critical source
s my paragraph only retells the plot; the quotation does not fit; I have no conclusion; the teacher wrote so what in the margin
# psychology
n attachment style; experiment; memory test; bias; personality scale; therapy session; case study; placebo; questionnaire; reinforcement schedule
p cognitive biases; developmental stages; group norms; emotions; conditioning; replication failures; ethics rules; schemas
v design an experiment; summarise Milgram; compare two therapies; code an interview; explain working memory; score a scale
s the effect did not replicate; my sample is all students; the variables are confounded; I confuse positive and negative reinforcement
# sociology
n interview guide; social class; field note; census table; focus group; stigma; neighborhood; welfare state; institution; network survey
p inequalities; gender roles; migration flows; norms; life courses; urban spaces; elites; religious communities; subcultures
v code an interview; write a literature review; sample hidden groups; compare two theories; describe a neighborhood; frame a question
s respondents give polite answers; my theory chapter is a list; the concept is used in five ways; nobody agrees to be interviewed
# art history
n fresco; altarpiece; portrait; cathedral; woodcut; still life; sculpture; patron; museum label; perspective study
p pigments; workshops; iconographies; restorations; avant-gardes; attributions; engravings; forgeries; exhibitions
v compare two altarpieces; describe a facade; date a portrait; write a catalog entry; explain cubism; identify a saint
s the attribution is disputed; my description is too subjective; I cannot read the symbols; the slide shows only a detail
# music theory
n chord progression; cadence; fugue; key signature; time signature; interval; mode; melody; sonata form; leading tone
p modulations; suspensions; rhythms; parallel fifths; scales; inversions; counterpoint rules; seventh chords; overtones
v harmonise a melody; analyse a fugue; write a modulation; identify a cadence; transpose a part; hear a mode
s I keep writing parallel fifths; the bass line jumps too much; the analysis has two readings; the dictation is too fast
# geography
n river delta; climate zone; topographic map; megacity; monsoon; border; migration route; population pyramid; desert; soil profile
p trade winds; land uses; coastlines; water conflicts; time zones; urban sprawl; ocean currents; harvests; natural hazards
v read a climate graph; draw a map; compare two deltas; explain a monsoon; plan a field trip; interpret a pyramid
s the scale of my map is off; two atlases disagree; the climate graph looks impossible; the border is disputed
# linguistics
n phoneme; syntax tree; minimal pair; dialect; vowel chart; corpus; loanword; morpheme; case system; speech act
p allophones; tone languages; word orders; sound changes; agreement rules; pronouns; creoles; pragmatics; intonation
v draw a syntax tree; transcribe a word; find a minimal pair; gloss a sentence; explain ergativity; compare two dialects
s the tree has crossing branches; the rule has too many exceptions; I hear no difference; the gloss does not line up
== languages study
# learning Spanish
n subjunctive; conversation partner; verb table; flashcard deck; graded reader; past tense; pronoun; accent mark; podcast; placement test
p ser and estar; false friends; irregular verbs; diminutives; regional words; object pronouns; prepositions; commands
v practise the subjunctive; order food politely; roll the r; remember genders; write a formal email; prepare for an oral exam
s I freeze when people answer; por and para still confuse me; I understand but cannot speak; my accent makes people switch to English
# learning Japanese
n kanji; particle; textbook; listening exercise; verb form; counter; sentence pattern; JLPT exam; mnemonic; stroke order
p honorifics; pitch accents; loanwords; casual endings; reading practice; conditionals; giving verbs; word lists
v memorise kanji; use wa and ga; write a self-introduction; read a manga; conjugate to the te form; order at a counter
s I forget every kanji after a week; the particles feel random; native speech is too fast; the textbook sounds stiff
# IELTS and TOEFL
n task two essay; band score; speaking card; graph description; cue card; listening section; cohesive device; model answer; time limit; topic sentence
p paraphrases; linking words; collocations; fillers; common mistakes; reading traps; complex sentences; examples
v describe a bar chart; raise my writing band; plan an essay in five minutes; answer part three; paraphrase a question; skim a passage
s I am stuck at six point five; I run out of time; my essays are too informal; I repeat the same words
# German grammar
n dative; word order; article; modal verb; separable verb; adjective ending; relative clause; compound noun; exam letter; plural form
p cases; prepositions; passive sentences; genders; subordinate clauses; reflexive verbs; past tenses; particles
v choose the right case; form the passive; learn the genders; write a complaint letter; build a relative clause; use doch
s the verb ends up in the wrong place; every noun has a surprising gender; I mix up dative and accusative; the endings never stick
# English pronunciation and style
n phrasal verb; silent letter; vowel sound; cover note; stress pattern; tongue twister; idiom; tense; small talk topic; article
p word stress; prepositions; polite requests; contractions; commas; conditional sentences; weak forms; tone; collocations
v sound more natural; pronounce th; use articles; apologise politely; shorten a long sentence; disagree in a meeting
s people ask me to repeat; my emails sound rude; I never know when to use the; the tenses blur together
# Latin and Greek
n ablative; hexameter; declension; participle; inscription; set text; dictionary entry; clause; aorist; unseen translation
p deponent verbs; cases; scansion; poetic words; moods; indirect statements; roots; manuscripts; word endings
v scan a line of Virgil; translate an unseen passage; spot an ablative absolute; learn principal parts; parse a verb; read an epitaph
s the subject is nowhere to be found; the meter does not fit; the participle agrees with nothing; the commentary skips the hard line
"""
