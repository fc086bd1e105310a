import Glibc
import Pinion
import PinionBase
import PinionGraph
import PinionImport
import PinionTensor

/// Runs folders of ONNX's backend test suite (`model.onnx` and `test_data_set_*/{input,output}_*.pb`) in this process.
///
///     onnx-case [-v] [--rtol R] [--atol A] [--optimization LEVEL] [--print-graph] FOLDER...
///
/// Prints a line for each case that does not pass, all with -v, and a count; with --print-graph the graph after the passes. Exit status 1 if any does not.
@main struct OnnxCase {
  static func main() {
    var folders: [String] = []
    var isVerbose = false
    var comparison = Comparison()
    var options = SessionOptions()
    var printsGraph = false
    var arguments = CommandLine.arguments.dropFirst().makeIterator()
    while let argument = arguments.next() {
      switch argument {
      case "-v": isVerbose = true
      case "--rtol": comparison.rtol = arguments.next().flatMap(Double.init) ?? comparison.rtol
      case "--optimization": options.optimization = arguments.next().flatMap { Int($0) } ?? options.optimization
      case "--print-graph": printsGraph = true
      case "--atol": comparison.atol = arguments.next().flatMap(Double.init) ?? comparison.atol
      default: folders.append(argument)
      }
    }
    var passed = 0
    for folder in folders {
      let name = folder.split(separator: "/").suffix(2).joined(separator: "/")
      if isVerbose {
        print(name, terminator: " ")
        fflush(nil)
      }
      do {
        try run(folder, comparison, options, printsGraph: printsGraph)
        passed += 1
        if isVerbose { print("ok") }
      } catch {
        print(isVerbose ? "FAIL: \(error)" : "\(name) FAIL: \(error)")
      }
      fflush(nil)
    }
    print("\(passed) of \(folders.count) pass")
    exit(passed == folders.count ? 0 : 1)
  }

  static func run(_ folder: String, _ comparison: Comparison, _ options: SessionOptions, printsGraph: Bool) throws(PinionError) {
    let model = try Model(path: folder + "/model.onnx")
    let session = try Session(model, runtime: try Runtime(threads: 2), options: options)
    if printsGraph { print(session.program.graph) }
    var set = 0
    while access("\(folder)/test_data_set_\(set)", F_OK) == 0 {
      let data = "\(folder)/test_data_set_\(set)"
      var inputs: [String: Value] = [:]
      for (index, info) in (model.inputs + model.overridableInputs).enumerated() {
        let path = "\(data)/input_\(index).pb"
        guard access(path, F_OK) == 0 else { continue }
        inputs[info.name] = try Value(onnx: try FileMapping(path: path), type: info.type ?? .tensor(.float32, dims: nil))
      }
      let outputs = try session.run(inputs)
      for (index, info) in model.outputs.enumerated() {
        let path = "\(data)/output_\(index).pb"
        guard access(path, F_OK) == 0 else { continue }
        let expected = try Value(onnx: try FileMapping(path: path), type: info.type ?? outputs[index].type)
        try comparison.check(outputs[index], expected, "output \(index)")
      }
      set += 1
    }
    guard set > 0 else { throw PinionError(.notFound, "no test data in \(folder)") }
  }
}
