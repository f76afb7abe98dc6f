"""Interaction scripts: text files of commands and answers that run, and can be written anew.

A script is a story of one engine: comments, commands, ``----``, the answers. Durations are written
``500ms``, instants are plain numbers; a lease and a grant have the id of their execution for a name, or
the one that ``lease=`` and ``grant=`` give. ``check(path)`` is for tests; at a change of behaviour that is
wanted, ``python -m grantcore.testing.scripts PATH... --rewrite`` puts the new answers in: read them.

>>> print(run('''
... create job-1 lane=main requires=gpu
... grant job-1 to ann/ann-1 ttl=5000ms has=gpu,ssd
... take job-1 by ann/ann-1 ttl=10000ms
... ----
...
... at 10000
... complete job-1
... ----
... '''))
<BLANKLINE>
create job-1 lane=main requires=gpu
grant job-1 to ann/ann-1 ttl=5000ms has=gpu,ssd
take job-1 by ann/ann-1 ttl=10000ms
----
Created job-1 public_state=waiting
ClaimGrant of job-1 until 5000
Lease (fresh) of job-1: epoch 1, attempt 0 (initial), ann/ann-1 until 10000
<BLANKLINE>
at 10000
complete job-1
----
refused: lease_expired expired_at_ms=10000
<BLANKLINE>
"""

from grantcore.testing.scripts.running import WrongAnswer, check, rewrite, run
from grantcore.testing.scripts.text import ScriptError

__all__ = ["ScriptError", "WrongAnswer", "check", "rewrite", "run"]
