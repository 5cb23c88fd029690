"""Which days a community is open: public holidays with 调休, its own opening days and closures."""
