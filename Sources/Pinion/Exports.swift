@_exported import PinionAuthoring
@_exported import PinionBase
@_exported import PinionGraph
@_exported import PinionImport
@_exported import PinionRuntime
@_exported import PinionTensor
