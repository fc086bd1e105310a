import Glibc
import PinionBase
import Testing

@testable import PinionCUDA

/// Texts of the generator as files, which the emulator's own tests and the check with NVIDIA's compiler read.
///
/// Where the generator changes, `PINION_WRITE_GENERATED=1 swift test --filter GeneratedText` writes them anew.
@Suite struct GeneratedTextTests {
  private static func texts() throws(PinionError) -> [(name: String, text: String, kernel: String)] {
    var result: [(name: String, text: String, kernel: String)] = []
    func add(_ name: String, _ chain: ElementwiseChain, _ layout: ChainLayout) {
      let (text, kernel) = chain.text(layout)
      result.append((name, text, kernel))
    }

    // silu(a * scale + bias) + residual
    var silu = ElementwiseChain(inputs: [.f32, .f32, .f32, .f32])
    let scaled = try silu.add(.multiply, 0, 1)
    let shifted = try silu.add(.add, scaled, 2)
    let active = try silu.add(.silu, shifted)
    try silu.addOutput(try silu.add(.add, active, 3), as: .f32)
    add("silu_flat", silu, .flat([.whole, .row, .scalar, .whole]))
    add("silu_strided", silu, .strided)

    var half = ElementwiseChain(inputs: [.f16, .f16])
    let sum = try half.add(.add, 0, 1)
    try half.addOutput(try half.add(.gelu, sum), as: .f16)
    add("half_flat", half, .flat([.whole, .row]))
    add("half_strided", half, .strided)

    var mixed = ElementwiseChain(inputs: [.i64, .i64, .bool, .bf16])
    let isLess = try mixed.add(.less, 0, 1)
    let both = try mixed.add(.and, isLess, 2)
    let least = try mixed.add(.minimum, 0, 1)
    let total = try mixed.add(.add, 0, 1)
    try mixed.addOutput(try mixed.add(.choose, both, least, total), as: .i64)
    try mixed.addOutput(try mixed.add(.negative, 3), as: .bf16)
    add("mixed_flat", mixed, .flat([.whole, .whole, .whole, .whole]))

    // Every function of two operands, and those of one integer.
    var pairs = ElementwiseChain(inputs: [.f32, .f32, .i32, .i32])
    for function in [ElementwiseFunction.add, .subtract, .multiply, .divide, .maximum, .minimum, .power] {
      try pairs.addOutput(try pairs.add(function, 0, 1), as: .f32)
    }
    for function in [ElementwiseFunction.equal, .less, .greater] { try pairs.addOutput(try pairs.add(function, 0, 1), as: .bool) }
    for function in [ElementwiseFunction.add, .subtract, .multiply, .maximum, .minimum] { try pairs.addOutput(try pairs.add(function, 2, 3), as: .i32) }
    for function in [ElementwiseFunction.negative, .absolute] { try pairs.addOutput(try pairs.add(function, 2), as: .i32) }
    let isEqual = try pairs.add(.equal, 2, 3), isGreater = try pairs.add(.greater, 2, 3)
    let either = try pairs.add(.or, isEqual, isGreater)
    try pairs.addOutput(try pairs.add(.not, either), as: .bool)
    add("pairs_flat", pairs, .flat([.whole, .whole, .whole, .whole]))

    // From float32 and int64 to every type, and quantised.
    var casts = ElementwiseChain(inputs: [.f32, .i64])
    for source in 0...1 {
      for element in KernelElement.allCases {
        let value = source == 0 && ValueKind(element) == .float ? 0 : try casts.addConversion(source, to: element)
        try casts.addOutput(value, as: element)
      }
    }
    try casts.addOutput(try casts.addQuantization(0, scale: 0.7, zero: 3, to: .i8), as: .i8)
    try casts.addOutput(try casts.addQuantization(0, scale: 0.7, zero: 130, to: .u8), as: .u8)
    add("casts_flat", casts, .flat([.whole, .whole]))

    // Every function of one float after the other, for the registers of a long chain.
    var long = ElementwiseChain(inputs: [.f32])
    var value = 0
    for function in ElementwiseFunction.allCases where function.operandCount == 1 && function != .not { value = try long.add(function, value) }
    try long.addOutput(value, as: .f32)
    add("long_flat", long, .flat([.whole]))
    return result
  }

  @Test func filesAreWhatTheGeneratorMakes() throws {
    let folder = FakeDriver.root + "/Tests/CUDAStatic/generated"
    var files = try GeneratedTextTests.texts().map { (path: "\(folder)/\($0.name).cu", text: $0.text) }
    let names = try GeneratedTextTests.texts().map { "#define \($0.name) \($0.kernel)\n" }
    files.append((folder + "/names.h", "// The kernels' names in the generated texts.\n" + names.joined()))
    if getenv("PINION_WRITE_GENERATED") != nil {
      mkdir(folder, 0o755)
      for file in files { #expect(write(file.text, to: file.path)) }
    }
    for file in files { #expect(contents(file.path) == file.text, "\(file.path)") }
  }

  @Test func namesAreOfTheText() throws {
    let texts = try GeneratedTextTests.texts()
    #expect(Set(texts.map(\.kernel)).count == texts.count)
    for (_, text, kernel) in texts { #expect(!text.contains("@") && text.contains("KERNEL(256) \(kernel)(")) }
  }

  private func contents(_ path: String) -> String? {
    guard let file = fopen(path, "r") else { return nil }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 1 << 16)
    let count = fread(&bytes, 1, bytes.count, file)
    return String(decoding: bytes[..<count], as: UTF8.self)
  }

  private func write(_ text: String, to path: String) -> Bool {
    guard let file = fopen(path, "w") else { return false }
    let count = text.utf8.count
    return fwrite(text, 1, count, file) == count && fclose(file) == 0
  }
}
