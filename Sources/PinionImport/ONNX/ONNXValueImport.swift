import PinionBase
import PinionTensor

extension Value {
  /// Reads a value from a file that holds one message of the kind that `type` says, as ONNX's test data does.
  package init(onnx file: FileMapping, type: ValueType) throws(PinionError) {
    switch type {
    case .tensor: self = .tensor(try Tensor(onnx: try ONNXTensor(parsing: file), folder: nil))
    case .sequence(let element): self = try Value(onnx: try ONNXSequence(parsing: file), element: element)
    case .optional(let content): self = try Value(onnx: try ONNXOptional(parsing: file), content: content)
    case .map: self = try Value(onnx: try ONNXMap(parsing: file))
    }
  }

  init(onnx sequence: ONNXSequence, element: ValueType) throws(PinionError) {
    var values: [Value] = []
    for tensor in sequence.tensors { values.append(.tensor(try Tensor(onnx: tensor, folder: nil))) }
    for map in sequence.maps { values.append(try Value(onnx: map)) }
    guard sequence.sequences.isEmpty, sequence.optionals.isEmpty, sequence.sparseTensors.isEmpty else {
      throw .invalidModel("a sequence holds sequences, optionals or sparse tensors, expected tensors or maps")
    }
    self = .sequence(values, element: element)
    try checkNesting()
  }

  init(onnx optional: ONNXOptional, content: ValueType) throws(PinionError) {
    if let tensor = optional.tensor {
      self = .tensor(try Tensor(onnx: tensor, folder: nil))
    } else if let sequence = optional.sequence {
      guard case .sequence(let element) = content else { throw .invalidModel("a sequence in an optional of \(content)") }
      self = try Value(onnx: sequence, element: element)
    } else if optional.optional != nil || optional.map != nil || optional.sparseTensor != nil {
      throw .invalidModel("an optional holds an optional, a map or a sparse tensor, expected a tensor or a sequence")
    } else {
      self = .none(content)
    }
  }

  init(onnx map: ONNXMap) throws(PinionError) {
    guard let first = map.values?.tensors.first else { throw .invalidModel("a map has no values") }
    let values = try Tensor(onnx: first, folder: nil)
    let keys =
      map.stringKeys.isEmpty
      ? try Tensor(vector: map.keys) : try Tensor(utf8: map.stringKeys.map { Array($0.bytes) }, .vector(map.stringKeys.count))
    self = .map(keys: keys, values: values)
  }
}
