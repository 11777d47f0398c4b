"""How fast and how many: limits of a key and a model, held in the database that every process shares.

* :mod:`rate`: so many calls in a time, one row each
* :mod:`pace`: waiting for one's turn to ask (polls, lists)
* :mod:`line`: what is limited together, and how many of its jobs run
* :mod:`ceiling`: fewer at once where the vendor says so, and slowly more again
* :mod:`breaker`: nothing is sent where it cannot succeed
* :mod:`admission`: all of these, in the one transaction that lets creates go
* :mod:`gate`: waiting for one's turn to send a create
"""
