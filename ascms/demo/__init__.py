"""The demo world: an invented, repeatable slice of the sector for trying the system out and measuring it.

Nobody imports this room but the command line. Every name, address and number in it is made up; only the
shape of the data follows the sector. The same seed gives the same rows on every machine: all chance comes
from `chance.Chance`, all time from `clock.TODAY`.
"""
