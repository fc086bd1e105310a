import Glibc
import Pinion
import RunModelInputs

/// One set of inputs and expected outputs.
struct TestData {
  /// One for each of the session's inputs.
  private(set) var inputs: [Value?] = []
  private(set) var outputs: [(index: Int, value: Value)] = []

  /// Reads input_N.pb and output_N.pb, in the order of the model's inputs and outputs.
  init(folder: String, model: Model) throws(Failure) {
    for (index, info) in (model.inputs + model.overridableInputs).enumerated() {
      inputs.append(try TestData.read("\(folder)/input_\(index).pb", info))
    }
    for (index, info) in model.outputs.enumerated() {
      if let value = try TestData.read("\(folder)/output_\(index).pb", info) { outputs.append((index, value)) }
    }
    guard !outputs.isEmpty else { throw Failure(.run, "'\(folder)' has no output_N.pb for an output of the model") }
  }

  private static func read(_ path: String, _ info: ValueInfo) throws(Failure) -> Value? {
    guard access(path, F_OK) == 0 else { return nil }
    return try failing(.run, subject: path) { () throws(PinionError) in
      try Value(onnx: try FileMapping(path: path), type: info.type ?? .tensor(.float32, dims: nil))
    }
  }

  /// The sets in a folder, or the folder itself where it is one.
  static func folders(_ folder: String) throws(Failure) -> [String] {
    guard let directory = opendir(folder) else {
      throw Failure(.run, "cannot open folder '\(folder)': \(String(cString: strerror(errno)))")
    }
    defer { closedir(directory) }
    var sets: [String] = []
    var isSet = false
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      if name.hasPrefix("test_data_set_") { sets.append("\(folder)/\(name)") }
      if name.hasPrefix("output_"), name.hasSuffix(".pb") { isSet = true }
    }
    if isSet { return [folder] }
    guard !sets.isEmpty else { throw Failure(.run, "'\(folder)' has neither test_data_set_* nor output_N.pb") }
    // By number, which names of different lengths are not in.
    return sets.sorted { $0.count != $1.count ? $0.count < $1.count : $0 < $1 }
  }

  /// Expected outputs by name.
  static func outputs(archive path: String, model: Model) throws(Failure) -> [(index: Int, value: Value)] {
    let archive = try failing(.run) { () throws(PinionError) in try NpzFile(path: path) }
    var result: [(index: Int, value: Value)] = []
    for name in archive.names {
      guard let index = model.outputs.firstIndex(where: { $0.name == name }) else {
        throw Failure(.run, "'\(path)' has '\(name)', which is no output" + listed(model.outputs.map(\.name), "; there are "))
      }
      let element = model.outputs[index].type?.element
      result.append((index, .tensor(try failing(.run) { () throws(PinionError) in try archive.tensor(name, expected: element) })))
    }
    guard !result.isEmpty else { throw Failure(.run, "'\(path)' has no arrays") }
    return result
  }
}
