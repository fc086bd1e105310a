import Glibc
import Pinion
import Testing

func newDraft(opset: Int64 = GraphDraft.defaultOpset) throws -> GraphDraft { try GraphDraft(opset: opset) }

func floats(_ values: [Float], _ dims: [Int]) throws -> Tensor { try Tensor(values, try Shape(dims)) }

/// Runs a model as it is, without passes, and gives its outputs.
func run(_ model: Model, _ inputs: [String: Tensor], optimization: Int = 0) throws -> [Value] {
  var options = SessionOptions()
  options.optimization = optimization
  return try Session(model, runtime: try Runtime(threads: 1), options: options).run(inputs.mapValues(Value.tensor))
}

func numbers(_ value: Value) throws -> [Float] { try value.asTensor().elements(as: Float.self) }

/// The model as it comes back from a file.
func written(_ model: Model, _ options: ONNXOptions = ONNXOptions()) throws -> Model {
  let folder = try TemporaryFolder()
  let path = folder.path + "/model.onnx"
  try model.save(path, options: options)
  return try Model(path: path)
}

/// A folder that goes with its object; what was mapped of it stays.
final class TemporaryFolder {
  let path: String

  init() throws {
    var template = Array("/tmp/pinion-authoring-XXXXXX".utf8CString)
    path = try #require(template.withUnsafeMutableBufferPointer { mkdtemp($0.baseAddress!).map { String(cString: $0) } })
  }

  var files: [String] {
    guard let directory = opendir(path) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: entry.pointee.d_name) { $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) } }
      if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  deinit {
    for name in files { unlink(path + "/" + name) }
    rmdir(path)
  }
}

/// Whether two outputs have the same type and every bit in common.
func isSame(_ a: Value, _ b: Value) -> Bool {
  switch (a, b) {
  case (.tensor(let x), .tensor(let y)): x.hasSameContents(as: y)
  case (.sequence(let x, _), .sequence(let y, _)): x.count == y.count && zip(x, y).allSatisfy { isSame($0, $1) }
  case (.none, .none): true
  case (.map(let k, let v), .map(let l, let w)): k.hasSameContents(as: l) && v.hasSameContents(as: w)
  default: false
  }
}

func expectError(_ code: ErrorCode, _ part: String, _ body: () throws -> Void, line: Int = #line) {
  do {
    try body()
    Issue.record("line \(line): no error; expected \(code): \(part)")
  } catch let error as PinionError {
    #expect(error.code == code && error.description.contains(part), "line \(line): \(error)")
  } catch { Issue.record("line \(line): \(error)") }
}
