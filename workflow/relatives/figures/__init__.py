"""The study's figures and tables: one module each, one style for all.

A module is named after its figure's number in the study and has one function, ``draw(<tables by name>,
settings)``, that returns a `matplotlib.figure.Figure` and touches no file; `style.save` writes it. `table01`
has ``table(layers)`` in its place. What a run did not make (a task, a space, a transformation, a second
trial) is left out of the figure.

The tables are those that the pipeline writes. Two are means over the excerpts, a row an observation:

``performance_trials``
    task, encoder, trial, transformation, magnitude, performance
``within_trials``
    space, trial, distance, transformation, magnitude, consistency
"""
