import Glibc
import Pinion
import PinionBase
import PinionTensor

/// Outputs that one process leaves for another: `PINION_ISA` decides once for a process which kernels it uses.
struct Records {
  private var bytes: [UInt8] = []
  private var place = 0

  init() {}

  init?(path: String) {
    guard let file = fopen(path, "rb") else { return nil }
    defer { fclose(file) }
    var buffer = [UInt8](repeating: 0, count: 1 << 20)
    while true {
      let count = fread(&buffer, 1, buffer.count, file)
      guard count > 0 else { break }
      bytes += buffer[..<count]
    }
  }

  func write(to path: String) -> Bool {
    guard let file = fopen(path, "wb") else { return false }
    defer { fclose(file) }
    return fwrite(bytes, 1, bytes.count, file) == bytes.count
  }

  private mutating func put(_ value: UInt64) { withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) } }

  private mutating func take() -> UInt64 {
    guard place + 8 <= bytes.count else { return 0 }
    defer { place += 8 }
    return bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: place, as: UInt64.self) }
  }

  mutating func put(digest: UInt64, _ outputs: [Value]?) {
    put(digest)
    let leaves = outputs?.flatMap(\.leaves).filter { $0.element != .string } ?? []
    put(UInt64(leaves.count))
    for tensor in leaves {
      put(UInt64(tensor.element.rawValue))
      put(UInt64(tensor.shape.rank))
      for extent in tensor.shape.dims { put(UInt64(extent)) }
      bytes.append(contentsOf: tensor.bytes)
    }
  }

  mutating func takeRecord() throws(PinionError) -> (digest: UInt64, leaves: [Value]) {
    let digest = take()
    var leaves: [Value] = []
    for _ in 0..<take() {
      let element = ElementType(rawValue: Int32(truncatingIfNeeded: take())) ?? .float32
      var dims: [Int] = []
      for _ in 0..<take() { dims.append(Int(truncatingIfNeeded: take())) }
      let tensor = try Tensor(TensorType(element, try Shape(dims)))
      guard place + tensor.byteCount <= bytes.count else { throw .invalidValue("the record is cut short") }
      bytes.withUnsafeBytes { if let base = $0.baseAddress { tensor.data.copyMemory(from: base + place, byteCount: tensor.byteCount) } }
      place += tensor.byteCount
      leaves.append(.tensor(tensor))
    }
    return (digest, leaves)
  }
}

extension ModelSpec {
  /// Tells models and their first runs apart.
  var digest: UInt64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    func add(_ bytes: some Sequence<UInt8>) { for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 } }
    add(encoded())
    for (_, value) in runs[0].sorted(by: { $0.key < $1.key }) {
      for tensor in value.leaves where tensor.element != .string { add(tensor.bytes) }
    }
    return hash
  }
}

extension RandomGraphs {
  /// Leaves the outputs of level 2 for another process.
  static func record(_ options: Options, _ path: String) throws -> Bool {
    let runtime = try Runtime(threads: 1)
    var records = Records()
    for seed in options.first..<(options.first + options.count) {
      let spec = GraphMaker(seed: seed, runtime: runtime).make()
      let outputs = try? Session(try spec.loaded(), runtime: runtime).run(spec.runs[0])
      records.put(digest: spec.digest, outputs)
    }
    return records.write(to: path)
  }

  /// Holds outputs of another process against this one's reference.
  static func compare(_ options: Options, _ path: String) throws -> Bool {
    guard var records = Records(path: path) else { return false }
    let runtime = try Runtime(threads: 1)
    var compared = 0, equal = 0, others = 0, undecided = 0, failures: [String] = []
    for seed in options.first..<(options.first + options.count) {
      let maker = GraphMaker(seed: seed, runtime: runtime)
      let spec = maker.make()
      let (digest, leaves) = try records.takeRecord()
      guard digest == spec.digest else {
        others += 1
        continue
      }
      guard let outputs = try? maker.interpreter.run(spec.runs[0]) else { continue }
      // Outputs without numbers are not in the record.
      guard !outputs.contains(where: { $0.leaves.contains { $0.element == .string } }) else { continue }
      let expected = outputs.flatMap { $0.leaves.map(Value.tensor) }
      guard !expected.isEmpty, !leaves.isEmpty else { continue }
      compared += 1
      if difference(leaves, expected) == nil {
        equal += 1
        continue
      }
      // One bound for each output; leaves of one output have it together.
      var regrouped: [Value] = [], rest = leaves[...]
      for output in outputs {
        let count = output.leaves.count
        regrouped.append(count == 1 && output.tensor != nil ? rest.first ?? output : .sequence(Array(rest.prefix(count)), element: .tensor(.float32, dims: nil)))
        rest = rest.dropFirst(count)
      }
      if let text = Bound.violation(regrouped, outputs, maker.interpreter, spec.runs[0], seed: seed, undecided: &undecided) {
        failures.append("seed \(seed): \(text)")
      }
    }
    print("\(compared) graphs compared, \(equal) equal bit for bit, \(others) made otherwise here, \(undecided) outputs undecided in part, \(failures.count) outside the bounds")
    failures.prefix(20).forEach { print($0) }
    return failures.isEmpty
  }

  /// Writes models, first runs, outputs and their bounds for another runtime.
  static func write(_ options: Options, _ folder: String) throws -> Bool {
    let runtime = try Runtime(threads: 1)
    mkdir(folder, 0o755)
    for seed in options.first..<(options.first + options.count) {
      let maker = GraphMaker(seed: seed, runtime: runtime)
      let spec = maker.make()
      guard let outputs = try? Session(try spec.loaded(), runtime: runtime).run(spec.runs[0]), let reference = try? maker.interpreter.run(spec.runs[0]) else { continue }
      let bounds = Bound.bounds(maker.interpreter, spec.runs[0], reference: reference, seed: seed, repetitions: Bound.repetitions[1])
      let path = "\(folder)/\(seed)"
      mkdir(path, 0o755)
      spec.save(path + "/model.onnx")
      for (name, value) in spec.runs[0] { if let tensor = value.tensor { save(Wire(tensor, name: name).bytes, "\(path)/in-\(name).pb") } }
      var lines: [String] = []
      for index in outputs.indices {
        guard let tensors = bounds[index].tensors else {
          lines.append("\(index) unstable")
          continue
        }
        for (leaf, tensor) in outputs[index].leaves.enumerated() {
          save(Wire(tensor, name: spec.graph.outputs[index].name).bytes, "\(path)/out-\(index)-\(leaf).pb")
          let deviation = leaf < tensors.count ? tensors[leaf].deviation : 0
          let unstable = leaf < tensors.count ? tensors[leaf].isUnstable.indices.filter { tensors[leaf].isUnstable[$0] } : []
          lines.append("\(index) \(leaf) \(deviation) \(unstable.map(String.init).joined(separator: ","))")
        }
      }
      save(Array(lines.joined(separator: "\n").utf8), path + "/bounds.txt")
    }
    return true
  }

  private static func save(_ bytes: [UInt8], _ path: String) {
    guard let file = fopen(path, "wb") else { return }
    fwrite(bytes, 1, bytes.count, file)
    fclose(file)
  }
}
