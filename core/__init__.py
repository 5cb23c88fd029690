"""The multi-tenant core of Jinlin: areas, accounts, residents, screens."""
