"""What the node promises, shown from outside: processes are killed, disks filled, ports fuzzed and loaded.

Each script runs alone (``python -m tests.reliability.kills --seed 1 --count 200``), prints a table and ends with status
1 if anything was found; ``make test`` runs short forms of them, ``make test-reliability`` the long ones
(``docs/reliability.md``).
"""
