// An experiment imports this kit and has all it needs.

@_exported import Faithfulness
@_exported import Galleries
@_exported import Plotting
@_exported import SemanticPullbacks
@_exported import Subjects
