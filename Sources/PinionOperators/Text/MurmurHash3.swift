import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// com.microsoft's MurmurHash3: of each element the hash of 32 bits, of its bytes or those of its text.
package struct MurmurHash3: CPUExecutable {
  package static let schema = Schema(
    "MurmurHash3", domain: "com.microsoft", since: 1, inputs: ["X: T1"], outputs: ["Y: uint32|int32"],
    types: ["T1": [.int32, .uint32, .int64, .uint64, .float32, .float64, .string]])
  let isUnsigned: Bool
  let seed: UInt32

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    isUnsigned = try attributes.bool("positive", default: true)
    seed = UInt32(truncatingIfNeeded: try attributes.int("seed", default: 0))
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    [TensorType(isUnsigned ? .uint32 : .int32, try context.type(0).shape)]
  }

  package func facts(_ context: FactContext) -> [Fact] { [context.like(0, element: isUnsigned ? .uint32 : .int32)] }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let type = try context.type(0), width = type.element.byteWidth, seed = seed, isText = type.element == .string
    return .ranges(type.count, grain: 1 << 12) { (frame, range) throws(PinionError) in
      var poll = Poll(frame.control)
      for index in range {
        let hash: UInt32
        if isText {
          let text = frame.input(0, as: StringElement.self)[index]
          hash = try murmur(text.start, text.count, seed, &poll)
        } else {
          hash = try murmur(frame.rawInput(0).assumingMemoryBound(to: UInt8.self) + index &* width, width, seed, &poll)
        }
        frame.output(0, as: UInt32.self)[index] = hash
      }
    }
  }
}

private func murmur(_ bytes: UnsafePointer<UInt8>?, _ count: Int, _ seed: UInt32, _ poll: inout Poll) throws(PinionError) -> UInt32 {
  func mixed(_ word: UInt32) -> UInt32 {
    let k = word &* 0xcc9e_2d51
    return (k &<< 15 | k &>> 17) &* 0x1b87_3593
  }
  var hash = seed
  if let bytes {
    for block in 0..<count / 4 {
      try poll.count()
      let word = UInt32(littleEndian: UnsafeRawPointer(bytes + 4 &* block).loadUnaligned(as: UInt32.self))
      hash ^= mixed(word)
      hash = (hash &<< 13 | hash &>> 19) &* 5 &+ 0xe654_6b64
    }
    var rest: UInt32 = 0
    for index in (count & ~3..<count).reversed() { rest = rest &<< 8 | UInt32(bytes[index]) }
    if count % 4 != 0 { hash ^= mixed(rest) }
  }
  hash ^= UInt32(truncatingIfNeeded: count)
  hash = (hash ^ hash &>> 16) &* 0x85eb_ca6b
  hash = (hash ^ hash &>> 13) &* 0xc2b2_ae35
  return hash ^ hash &>> 16
}
