"""`python -m ascms.cli`."""

from . import main

main()
