"""The multi-tenant core of Jinlin: areas, accounts, residents, screens."""
import os

# Names are read character by character; pypinyin's phrases would cost each process 44 MB. Read when it is imported.
os.environ.setdefault("PYPINYIN_NO_PHRASES", "1")
