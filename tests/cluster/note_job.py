"""python note_job.py FILE SECONDS: stays for some seconds, then writes the variables it sees."""

import json
import os
import sys
import time
from pathlib import Path

time.sleep(float(sys.argv[2]))
Path(sys.argv[1]).write_text(json.dumps(dict(os.environ)), encoding="utf-8")
