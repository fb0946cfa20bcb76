"""How OpenMP threads wait for each other; imported before torch.

By default libgomp's threads spin for milliseconds before they sleep. With another process on the machine
that made showing images 25 times slower, since a thread that is not running keeps the others spinning.
With a short spin they are as fast alone as with the default (0.4 s against 0.4 s for 200 images on two
cores), and 1.3 s instead of 25 s beside a busy process; ``OMP_WAIT_POLICY=passive`` took 1.3 s in both
cases. A value set by the user wins.
"""

import os

os.environ.setdefault("GOMP_SPINCOUNT", "1000")
