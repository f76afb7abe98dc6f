"""The world around the engine, as SimPy processes: who submits, who hands out, who works, what goes wrong.

Data flows one way::

    faults                               clock jumps, scheduler stalls, and what befalls a lease
    submitter | dispatch | workers       the processes
    desk                                 the one way to the engine
    hearing                              events, where an answer does not tell enough
    chronicle                            what the engine told, as facts for auditor, recorder and board
    board | hands | resource | life      what waits | who works | what they write to | a job in work

SimPy's time is in whole milliseconds here.
"""
