# Writes docs/lab.md from the rows of the lab's tests: see "make lab".
use strict;
use warnings;

use Lab::Table;

print <<"PAGE", Lab::Table->heading;
# What the lab sees

Real tunnels, in networks made for that: what befalls them, what is true for the user then, and what
the server shows and Telegram is told. `make lab` writes this page; `t/lib/Lab/Scenarios.pm` has
the scenarios.

The client reports each second here and counts as offline after 15, or, where the provider is
silently dead and the server at home, after 60. "The server is killed" is all of httpd at once; "at
once" means before anything was told. When such trouble is over, that is told once, and from when to
when it was.

PAGE
print while <>;
