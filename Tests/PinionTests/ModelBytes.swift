import Pinion

/// Writes ONNX models byte by byte as the encoding lays them down, in whatever opset a test asks for.
enum ONNX {
  struct Message {
    var bytes: [UInt8] = []

    private static func varint(_ value: UInt64) -> [UInt8] {
      var rest = value
      var bytes: [UInt8] = []
      while rest > 0x7f {
        bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
        rest >>= 7
      }
      return bytes + [UInt8(rest)]
    }

    mutating func int(_ field: Int, _ value: Int64) {
      bytes += Message.varint(UInt64(field << 3)) + Message.varint(UInt64(bitPattern: value))
    }
    mutating func raw(_ field: Int, _ value: [UInt8]) {
      bytes += Message.varint(UInt64(field << 3 | 2)) + Message.varint(UInt64(value.count)) + value
    }
    mutating func text(_ field: Int, _ value: String) { raw(field, Array(value.utf8)) }
    mutating func message(_ field: Int, _ fill: (inout Message) -> Void) {
      var inner = Message()
      fill(&inner)
      raw(field, inner.bytes)
    }
    mutating func float(_ field: Int, _ value: Float) {
      bytes += Message.varint(UInt64(field << 3 | 5)) + (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> ($0 * 8)) }
    }
  }

  indirect enum Attribute {
    case int(Int64), float(Float), string(String), ints([Int64]), floats([Float]), graph(Graph), type(Kind)
  }

  /// A `TypeProto`; extents of 0 and below are open.
  indirect enum Kind {
    case tensor(ElementType, [Int]?)
    /// A tensor whose extents are numbers or names.
    case named(ElementType, [String])
    case sequence(Kind), optional(Kind)

    func write(_ message: inout Message) {
      switch self {
      case .tensor(let element, let dims):
        message.message(1) { tensor in
          tensor.int(1, Int64(element.rawValue))
          guard let dims else { return }
          tensor.message(2) { shape in
            for extent in dims {
              shape.message(1) { if extent > 0 { $0.int(1, Int64(extent)) } }
            }
          }
        }
      case .named(let element, let dims):
        message.message(1) { tensor in
          tensor.int(1, Int64(element.rawValue))
          tensor.message(2) { shape in
            for extent in dims { shape.message(1) { dim in if let number = Int64(extent) { dim.int(1, number) } else { dim.text(2, extent) } } }
          }
        }
      case .sequence(let content): message.message(4) { $0.message(1, content.write) }
      case .optional(let content): message.message(9) { $0.message(1, content.write) }
      }
    }
  }

  struct Node {
    var op: String
    var inputs: [String]
    var outputs: [String]
    var attributes: [(String, Attribute)]
    var domain: String

    init(_ op: String, _ inputs: [String], _ outputs: [String], _ attributes: [(String, Attribute)] = [], domain: String = "") {
      (self.op, self.inputs, self.outputs, self.attributes, self.domain) = (op, inputs, outputs, attributes, domain)
    }

    func write(_ node: inout Message) {
      for input in inputs { node.text(1, input) }
      for output in outputs { node.text(2, output) }
      node.text(4, op)
      for (name, value) in attributes {
        node.message(5) { attribute in
          attribute.text(1, name)
          switch value {
          case .float(let value):
            attribute.float(2, value)
            attribute.int(20, 1)
          case .int(let value):
            attribute.int(3, value)
            attribute.int(20, 2)
          case .string(let value):
            attribute.text(4, value)
            attribute.int(20, 3)
          case .graph(let graph):
            attribute.message(6, graph.write)
            attribute.int(20, 5)
          case .floats(let values):
            for value in values { attribute.float(7, value) }
            attribute.int(20, 6)
          case .ints(let values):
            for value in values { attribute.int(8, value) }
            attribute.int(20, 7)
          case .type(let type):
            attribute.message(14, type.write)
            attribute.int(20, 13)
          }
        }
      }
      node.text(7, domain)
    }
  }

  struct Graph {
    var nodes: [Node] = []
    var inputs: [(String, Kind)] = []
    var outputs: [String] = []
    var initializers: [(String, Tensor)] = []
    /// Of outputs that declare one.
    var outputTypes: [String: Kind] = [:]

    func write(_ graph: inout Message) {
      graph.text(2, "graph")
      for node in nodes { graph.message(1, node.write) }
      for (name, tensor) in initializers {
        graph.message(5) { initializer in
          for extent in tensor.shape.dims { initializer.int(1, Int64(extent)) }
          initializer.int(2, Int64(tensor.element.rawValue))
          initializer.text(8, name)
          initializer.raw(9, Array(tensor.bytes))
        }
      }
      for (name, type) in inputs {
        graph.message(11) { info in
          info.text(1, name)
          info.message(2, type.write)
        }
      }
      for output in outputs {
        graph.message(12) { info in
          info.text(1, output)
          if let type = outputTypes[output] { info.message(2, type.write) }
        }
      }
    }
  }

  struct Function {
    var name: String
    var inputs: [String]
    var outputs: [String]
    var nodes: [Node]
    var opset: Int64
  }

  /// The bytes of a model; functions are in the domain `local`.
  static func model(_ graph: Graph, opset: Int64, ir: Int64 = 8, functions: [Function] = []) -> [UInt8] {
    var model = Message()
    model.int(1, ir)
    model.message(8) { $0.int(2, opset) }
    model.message(8) {
      $0.text(1, "com.microsoft")
      $0.int(2, 1)
    }
    model.message(8) {
      $0.text(1, "local")
      $0.int(2, 1)
    }
    model.message(7, graph.write)
    for function in functions {
      model.message(25) { message in
        message.text(1, function.name)
        for input in function.inputs { message.text(4, input) }
        for output in function.outputs { message.text(5, output) }
        for node in function.nodes { message.message(7, node.write) }
        message.message(9) { $0.int(2, function.opset) }
        message.text(10, "local")
      }
    }
    return model.bytes
  }
}

func load(_ bytes: [UInt8]) throws(PinionError) -> Model {
  var mapping: Result<FileMapping, PinionError> = .failure(.internal("no bytes"))
  bytes.withUnsafeBytes { source in
    do throws(PinionError) { mapping = .success(try FileMapping(copying: source)) } catch { mapping = .failure(error) }
  }
  return try Model(try mapping.get())
}

func session(_ model: Model, level: Int, threads: Int = 1) throws(PinionError) -> Session {
  var options = SessionOptions()
  options.optimization = level
  return try Session(model, runtime: try Runtime(threads: threads), options: options)
}

func floats(_ values: [Float], _ dims: [Int]) throws(PinionError) -> Tensor { try Tensor(values, try Shape(dims)) }

/// The code with which `body` fails; nil where it does not.
func code(_ body: () throws(PinionError) -> Void) -> ErrorCode? {
  do {
    try body()
    return nil
  } catch { return error.code }
}
