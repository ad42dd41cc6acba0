"""Topics of people who build or mend technical things.

Read by :mod:`fingerprint.simulate.vocabulary`: ``== domain style`` opens a domain, ``# name`` a topic; ``n`` are countable nouns without
article, ``p`` mass or plural nouns, ``v`` verb phrases in the base form, ``s`` complaints (whole clauses).
"""

from __future__ import annotations

TEXT = r"""
== programming code
# Python scripting
n virtualenv; decorator; generator; CSV parser; context manager; dataclass; logging setup; asyncio worker; retry wrapper
p type hints; list comprehensions; f-strings; pathlib objects; circular imports; dunder methods; subprocess calls; mutable defaults
v read a huge CSV line by line; flatten a nested dict; parse dates in mixed formats; run a function in parallel; walk a folder tree
s the import works in the shell but not in pytest; I get a UnicodeDecodeError on one file; the script eats all the memory
# JavaScript front ends
n React component; useEffect hook; dropdown; modal dialog; form validator; webpack config; service worker; tooltip
p stale closures; CSS grid areas; promises; debounced inputs; hydration errors; bundle sizes; TypeScript generics; render loops
v debounce a search box; fetch data after login; center a div in a flex container; lazy load images; persist state in localStorage; test a custom hook
s the component renders twice; the state is one step behind; Safari ignores the sticky header; the build breaks after the last npm update
# Rust services
n borrow checker error; trait object; async handler; enum variant; tokio runtime; iterator adapter; lifetime annotation; serde struct
p lifetimes; smart pointers; zero-copy parsing; error enums; macro rules; Send bounds; feature flags; cargo workspaces
v share state between handlers; return a boxed future; deserialize an untagged enum; split a mutable slice; profile an allocation hot spot
s the borrow checker says it does not live long enough; the trait is not object safe; compile times went through the roof; the future is not Send
# Go backends
n goroutine; channel; HTTP handler; context timeout; interface; worker pool; struct tag; gRPC server; mutex; middleware chain
p race conditions; table tests; pointer receivers; error wrapping; generics constraints; slices of structs; graceful shutdowns; module versions
v cancel a long request; stream rows as JSON; mock an interface; limit concurrency; parse a YAML config; drain a channel on exit
s the race detector fires in one test; the goroutines leak slowly; the JSON comes out with empty fields; the context deadline is exceeded at once
# SQL queries
n window function; left join; composite index; stored procedure; foreign key; CTE; materialized view; query plan; upsert; trigger
p slow queries; duplicate rows; null semantics; isolation levels; full table scans; pivot columns; date buckets; deadlocks; partitioned tables
v get the latest row per customer; count distinct users per week; delete duplicates safely; join on a date range; rewrite a correlated subquery
s the query takes forty seconds; the join multiplies rows; the sum is off because of nulls; Postgres ignores the index
# Git workflows
n rebase; merge conflict; feature branch; detached HEAD; pre-commit hook; submodule; stash entry; pull request; cherry-pick; release tag
p large files; squash merges; commit messages; signed commits; branch protection rules; monorepo histories; worktrees; line endings
v undo the last three commits; move a commit to another branch; find the commit that broke a test; purge a password from the history; split a commit
s the push is rejected as non-fast-forward; every line shows up as changed; the rebase keeps asking about the same conflict; my commits have vanished
# Docker images
n Dockerfile; compose file; base image; bind mount; health check; entrypoint script; multi-stage build; container network; build cache; registry login
p layer caching; image sizes; volume permissions; environment variables; distroless images; build arguments; orphaned containers; log drivers
v shrink an image; pass secrets at build time; wait for the database to start; run a container as non-root; copy files out of a stopped container
s the container exits with code 137; the mounted folder is empty; pip runs again on every build; the port is already allocated
# Kubernetes clusters
n ingress; deployment; helm chart; pod; liveness probe; config map; service account; node pool; persistent volume; cron job
p resource limits; rolling updates; taints and tolerations; network policies; sidecars; autoscaling rules; image pull secrets; namespace quotas
v roll back a release; drain a node; expose a service with TLS; debug a crash loop; move secrets to a vault; scale on queue length
s the pod is stuck in Pending; the ingress answers 502; the nodes run out of memory at night; the probe kills a healthy pod
# shell scripts and regex
n bash script; sed one-liner; regular expression; cron entry; awk program; here document; glob pattern; for loop
p quoting rules; lookaheads; capture groups; exit codes; pipes; file descriptors; named groups; word splitting
v rename files in bulk; match everything between two tags; extract IPs from a log; run a job only once; compare two folders; strip trailing spaces
s the regex matches too much; the script works by hand but not from cron; spaces in file names break the loop; the variable is empty in the subshell
# Android apps
n Compose screen; ViewModel; Room database; fragment; Gradle plugin; notification channel; WorkManager job; intent filter; coroutine scope; app bundle
p recomposition; runtime permissions; deep links; ProGuard rules; foreground services; migrations; themes; state flows; instrumented tests
v survive a rotation; request a permission politely; paginate a list; show a snackbar; sign a release; sync in the background
s the app crashes only on Samsung phones; Gradle cannot resolve a dependency; the list jumps to the top; the Play Store rejects the upload
# iOS apps
n SwiftUI view; navigation stack; Core Data model; widget; push certificate; storyboard; async sequence; TestFlight build; app extension
p property wrappers; provisioning profiles; dark mode colors; actors; universal links; memory graphs; previews; haptics; in-app purchases
v pass data between views; animate a list change; store a token; localize strings; schedule a local notification; migrate to Swift 6
s the preview crashes; the archive fails with a signing error; the keyboard covers the text field; App Review says the login does not work
# C++ engines
n template class; move constructor; CMake target; vertex buffer; memory pool; shared pointer; constexpr function; shader; thread pool; physics step
p undefined behaviour; header dependencies; cache misses; RAII; name mangling; virtual calls; linker errors; concepts; alignment rules
v find a memory leak; write a thread-safe queue; cut the build time; wrap a C library; profile a frame; avoid a copy in a hot loop
s the program segfaults only in release mode; the linker cannot find the vtable; the frame time jitters; valgrind reports an invalid read
# Java and Spring
n REST controller; JPA entity; bean; Kafka listener; Maven profile; record class; transaction; security filter; scheduled task; repository interface
p dependency injection; lazy loading; connection pools; annotations; virtual threads; checked exceptions; garbage collection pauses; DTO mapping
v validate a request body; test a controller; page through results; secure an endpoint; migrate from JUnit 4; log slow queries
s the entity is detached; the N+1 query is back; the application context does not start; two beans of one type clash
# microcontroller projects
n Arduino sketch; ESP32 board; stepper motor; I2C sensor; relay module; LED strip; breadboard; OLED display; voltage divider; rotary encoder
p interrupts; pull-up resistors; deep sleep modes; MQTT messages; PWM signals; debouncing; level shifters; battery life; watchdog timers
v read a temperature sensor; drive a servo smoothly; send readings over wifi; store settings in flash; measure the battery voltage; drive two motors
s the board resets when the motor starts; the sensor returns only zeros; the upload fails with a timeout; the display shows garbage
# cloud infrastructure
n Terraform module; VPC; load balancer; lambda function; IAM role; S3 bucket; state file; NAT gateway; auto scaling group; DNS zone
p cold starts; spot instances; egress costs; least privilege; blue-green releases; remote states; tagging rules; alarms; subnets
v import an existing resource; move state between workspaces; cut the monthly bill; rotate access keys; peer two networks; restrict a bucket
s the plan wants to destroy the database; the function times out in the VPC; the bill doubled last month; access is denied despite the policy
# software testing
n flaky test; mock; fixture; coverage report; end-to-end suite; snapshot test; CI pipeline; test matrix; staging environment; bug report
p test doubles; property tests; code coverage; regressions; parallel runs; smoke tests; selectors; acceptance criteria; test data
v mock the clock; test a payment flow; run only changed tests; record network calls; seed a database; quarantine a flaky test
s the test passes alone and fails in the suite; the pipeline takes an hour; the headless browser times out; coverage dropped for no reason
# WordPress and PHP
n child theme; plugin; contact form; shortcode; Laravel route; Composer package; page template; checkout page; custom field; menu
p permalinks; database prefixes; caching plugins; nonces; image sizes; migrations; Eloquent relations; redirects; cron events
v move a site to a new host; add a custom post type; speed up the front page; fix a white screen; validate a form; send mail over SMTP
s the admin page redirects in a loop; the images are blurry; the update broke the menu; the form sends nothing
# game modding
n Unity scene; sprite sheet; save system; enemy AI; tile map; dialogue tree; Godot node; health bar; inventory slot; particle effect
p collisions; state machines; procedural maps; frame rates; quaternions; pathfinding grids; input actions; level design; loot tables
v make a character jump; spawn enemies in waves; save the player position; rotate toward the mouse; build a dialogue system; bake the lighting
s the player falls through the floor; the animation snaps back; the build runs at ten frames; the collider misses fast bullets
== data code
# pandas dataframes
n groupby; merge; pivot table; datetime index; categorical column; rolling window; Excel import; boolean mask; multi-index; apply function
p missing values; chained assignments; memory usage; time zones; dtypes; outliers; duplicated keys; string columns; resampled series
v merge on the nearest date; fill gaps within a group; count values per category; explode a list column; compare two frames; read only some columns
s the merge returns no rows; SettingWithCopyWarning will not go away; the dates are read as text; the group sums do not add up
# training neural networks
n learning rate; data loader; transformer block; loss curve; checkpoint; validation set; embedding layer; optimizer; batch size; GPU
p gradients; overfitting; mixed precision; warm-up schedules; class weights; augmentations; dropout; weight decay; attention masks
v freeze the first layers; resume a run; log metrics; accumulate gradients; tune the learning rate; handle class imbalance
s the loss turns into NaN; the validation loss rises after two epochs; CUDA runs out of memory; the GPU sits at ten percent
# time series forecasting
n seasonal pattern; ARIMA model; holiday effect; forecast horizon; trend break; baseline; sales series; backtest; sensor stream; lag feature
p confidence bands; stationarity; outliers; missing weeks; exogenous variables; residuals; Fourier terms; cross-validation splits; hierarchies
v forecast weekly demand; detect a level shift; choose a horizon; compare against a naive model; fill a sensor gap; model two seasonalities
s the forecast is a flat line; the backtest looks too good; the holidays spoil everything; the residuals are correlated
# spreadsheets
n VLOOKUP; pivot table; conditional format; drop-down list; macro; named range; budget sheet; chart axis; array formula; shared workbook
p circular references; absolute references; text dates; merged cells; frozen panes; data validation; Power Query steps; filters; hidden sheets
v look up two columns at once; sum by month; split names into columns; lock some cells; highlight duplicates; import a web table
s the formula returns #N/A; the numbers are stored as text; the file takes a minute to open; the chart ignores new rows
# dashboards
n KPI card; Power BI report; Tableau workbook; drill-down; slicer; calculated measure; refresh schedule; funnel chart; executive summary; data source
p DAX measures; row-level security; color palettes; year-to-date figures; filters; refresh failures; targets; relationships; tooltips
v show year over year growth; build a funnel; share a report with clients; speed up a slow page; blend two sources; rank the top ten
s the total does not match the rows; the refresh fails at night; the map shows the wrong country; nobody opens the report
# applied statistics
n t-test; sample size; p-value; regression; survey; control group; confidence interval; Likert scale; random effect; power analysis
p assumptions; multiple comparisons; effect sizes; confounders; missing answers; interaction terms; skewed data; priors; residual plots
v choose a test; report a regression; compute a sample size; compare three groups; check normality; explain a p-value to my boss
s the variances are unequal; the reviewers want a power analysis; the coefficient has the wrong sign; only nine people answered
# computer vision
n bounding box; segmentation mask; camera calibration; OpenCV script; label tool; YOLO model; video stream; depth map; threshold; homography
p false positives; lighting changes; small objects; augmentations; optical flow; keypoints; image pyramids; frame drops; annotations
v detect empty shelves; count cars in a video; remove a background; align two scans; blur faces; read a gauge from a photo
s the detector misses small objects; the colors look swapped; the frame rate drops on the Pi; the masks have holes
# language model apps
n prompt template; vector store; chunk size; chatbot; retrieval step; system message; evaluation set; fine-tune; token budget; agent loop
p hallucinations; embeddings; rate limits; function calls; guardrails; long documents; citations; latency; rerankers
v answer from our own PDFs; reduce the latency; test a prompt change; stream tokens to a page; keep a chat on topic; estimate the cost
s the bot makes up sources; the retrieval returns the wrong page; the JSON is cut off; the answers differ on each run
# data warehouses
n dbt model; fact table; Airflow DAG; incremental load; staging layer; snapshot; data contract; partition; star schema; lineage graph
p slowly changing dimensions; late data; surrogate keys; backfills; schema drift; freshness checks; costs per query; duplicates
v backfill two years; deduplicate an event stream; test a model; document a table; schedule a nightly load; model refunds
s the DAG is stuck in queued; yesterday's numbers changed; the load doubles the rows; nobody knows who owns a column
# R analysis
n ggplot; tibble; Shiny app; mixed model; R Markdown report; factor level; facet; purrr map; package; survival curve
p tidy evaluation; joins; contrasts; axis labels; missing values; vectorised functions; date formats; bootstraps; random seeds
v reorder bars by value; fit a mixed model; knit to PDF; pivot a wide table; add error bars; publish a Shiny app
s the legend shows the wrong order; the model does not converge; knitting fails on a font; the join turns columns into NA
== support life
# Windows laptops
n blue screen; driver update; battery report; external monitor; restore point; BitLocker key; touchpad; startup program; user profile; docking station
p background processes; disk usage; registry entries; fan noise; sleep settings; recovery drives; Windows updates; scaling
v speed up the boot; free some disk space; roll back a driver; reset a forgotten PIN; clone the drive; calibrate the screen
s the fan runs all the time; the second monitor is not found; the update hangs at thirty percent; the sound is gone after sleep
# iPhones and tablets
n iCloud backup; home screen; passcode; charging port; eSIM; photo library; Apple ID; screen time limit; hotspot; keyboard
p storage warnings; app permissions; shared albums; focus modes; battery health; text replacements; accessibility settings; passkeys
v move photos to a computer; transfer to a new phone; block a caller; find a lost tablet; scan a document; extend the battery life
s the battery dies by noon; messages arrive only on wifi; the screen does not react at the edge; the storage is full of system data
# home networks
n router; mesh node; access point; port forward; guest network; VPN server; ethernet cable; DNS filter; modem; network switch
p dead spots; channel widths; firmware updates; latency spikes; static addresses; parental controls; bandwidth limits; VLANs
v reach my NAS from outside; get wifi in the garden; set up a guest network; find what uses the bandwidth; bridge the modem; wire the office
s the video calls freeze every evening; the printer drops off the network; only one room is slow; the VPN blocks the TV
# printers and scanners
n laser printer; ink cartridge; paper tray; print queue; scanner; label printer; duplex unit; driver; photo paper; toner
p paper jams; color profiles; streaks; network printing; page counters; envelopes; margins; waste ink pads
v print on both sides; scan to a folder; clear the queue; print labels from a list; clean the print head; share a printer
s the printer shows offline; the pages come out striped; the tray is not recognised; black prints as green
# smart homes
n smart plug; Home Assistant server; motion sensor; thermostat; door lock; Zigbee stick; voice assistant; automation; light strip; leak sensor
p routines; scenes; battery sensors; energy readings; false alarms; local control; cloud outages; dashboards; geofences
v turn lights off when nobody is home; log the energy use; pair a sensor; get a message on a leak; dim the lights at sunset
s the lights turn on at night; the sensor loses its pairing; the lock reports jammed; the assistant does not find the plug
# Linux desktops
n window manager; GRUB entry; systemd unit; package manager; Wayland session; sound server; home partition; kernel module; desktop theme; dotfile
p dependencies; mount options; file permissions; snapshots; fonts; suspend problems; proprietary drivers; journals; desktop shortcuts
v dual boot with Windows; resize a partition; start a service at login; restore a broken boot; remap caps lock; back up my home
s the screen stays black after an update; the wifi card is not found; suspend never wakes up; apt complains about held packages
# building a PC
n graphics card; power supply; motherboard; CPU cooler; case fan; NVMe drive; memory kit; BIOS update; thermal paste; front panel cable
p bottlenecks; airflow; clearances; memory timings; wattages; PCIe lanes; warranties; noise levels; undervolting
v choose a power supply; cut the noise; check the compatibility; update the BIOS; apply thermal paste; plan an upgrade path
s the PC turns off under load; the memory runs at half speed; no picture on the first boot; the cooler touches the RAM
"""
