"""Put on PYTHONPATH, it sets the wall clock of a process wrong by CLOCK_OFF_BY_SECONDS; it goes on ticking."""

import os
import time

import time_machine

time_machine.travel(time.time() + float(os.environ["CLOCK_OFF_BY_SECONDS"]), tick=True).start()
