// One import for the whole method: networks and their pullbacks, checkpoints, images and explainers.

@_exported import Attribution
@_exported import Checkpoints
@_exported import Execution
@_exported import Imaging
@_exported import Networks
@_exported import Onnx
@_exported import Pullbacks
