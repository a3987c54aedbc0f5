"""`python -m audiolabels`, the same as the command `audiolabels`."""

from audiolabels.cli import main

main()
