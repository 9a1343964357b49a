"""Real clients, of several makers and in two languages, through switchovers: `./scripts/clients --help`."""
