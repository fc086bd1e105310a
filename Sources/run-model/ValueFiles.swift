import Pinion
import RunModelInputs

/// Saves values to files of NumPy's.
enum ValueFiles {
  /// One value to a .npy file, which holds a tensor, or any number to a .npz file.
  static func save(_ values: [(String, Value)], to path: String) throws(PinionError) {
    guard !path.hasSuffix(".npz"), let (name, value) = values.first else { return try saveAll(values, to: path) }
    guard case .tensor(let tensor) = value else {
      throw .unsupported("output '\(name)' is \(value.type), which no .npy file holds; a .npz file does")
    }
    try NpyContents(tensor).write(to: path)
  }

  /// Several values to a .npz file. The elements of a sequence are the arrays `name/0`, `name/1` and so on, those of a map `name/keys` and
  /// `name/values`.
  static func saveAll(_ values: some Sequence<(String, Value)>, to path: String) throws(PinionError) {
    var archive = try NpzWriter(path: path)
    for (name, value) in values { try add(name, value, to: &archive) }
    try archive.close()
  }

  private static func add(_ name: String, _ value: Value, to archive: inout NpzWriter) throws(PinionError) {
    switch value {
    case .tensor(let tensor): try archive.add(name, tensor)
    case .sequence(let values, _):
      for (index, value) in values.enumerated() { try add("\(name)/\(index)", value, to: &archive) }
    case .map(let keys, let values):
      try archive.add("\(name)/keys", keys)
      try archive.add("\(name)/values", values)
    case .none: printNote("output '\(name)' is \(value.type) without a value and is not saved")
    }
  }
}
