import ArgumentParser
import Glibc
import Pinion

struct DevicesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "devices",
    abstract: "List the devices of this machine.",
    discussion: """
      The processor with its instruction sets and caches, and each NVIDIA GPU with its compute capability and memory, or one line that
      says why there is none. Libraries of NVIDIA's are looked for as Documentation/CUDA.md says; PINION_CUDA_DRIVER, PINION_NVRTC and
      PINION_CUBLASLT name files to use instead.

      Examples:
        run-model devices
        run-model devices --json
      """)

  @Flag(help: "Print a JSON object.")
  var json = false

  func run() {
    let processor = ProcessorFacts()
    let gpus = Device.all.dropFirst()
    if json {
      print(report(processor, Array(gpus)).text())
      return
    }
    print("\(Device.cpu.name)     \(processor.model)")
    print("        kernels for \(Device.cpu.description)")
    print("        features \(processor.features.isEmpty ? "unknown" : processor.features.joined(separator: " "))")
    print("        caches \(processor.caches.map { "\($0.name) \($0.bytes >> 10) KiB" }.joined(separator: ", "))")
    for gpu in gpus {
      print("\(gpu.name)  \(gpu.description)")
      if let reason = Device.whyNot(gpu.name) { print("        not usable: \(reason.message)") }
    }
    if let reason = Device.absenceOfGPUs { print("no GPU: \(reason)") }
  }

  private func report(_ processor: ProcessorFacts, _ gpus: [Device]) -> JSON {
    .object([
      (
        "cpu",
        .object([
          ("model", .text(processor.model)), ("description", .text(Device.cpu.description)),
          ("features", .list(processor.features.map { .text($0) })),
          ("caches", .object(processor.caches.map { ($0.name, .integer($0.bytes)) })),
        ])
      ),
      (
        "gpus",
        .list(
          gpus.map { gpu in
            .object([
              ("name", .text(gpu.name)), ("description", .text(gpu.description)),
              ("why_not", Device.whyNot(gpu.name).map { .text($0.message) } ?? .null),
            ])
          })
      ),
      ("why_no_gpu", Device.absenceOfGPUs.map { .text($0) } ?? .null),
    ])
  }
}

/// What the system tells about its processor.
struct ProcessorFacts {
  let model: String
  /// Those of its instruction sets that kernels use or may come to use.
  let features: [String]
  let caches: [(name: String, bytes: Int)]

  private static let interesting = [
    "sse2", "sse4_2", "avx", "avx2", "fma", "f16c", "avx512f", "avx512bw", "avx512vl", "avx512dq", "avx512_vnni", "avx512_bf16",
    "avx512_fp16", "avx_vnni", "amx_tile", "amx_int8", "amx_bf16",
  ]

  init() {
    var fields: [String: String] = [:]
    if let file = fopen("/proc/cpuinfo", "r") {
      defer { fclose(file) }
      var line: UnsafeMutablePointer<CChar>?
      var capacity = 0
      defer { free(line) }
      while getline(&line, &capacity, file) > 0, let text = line.map({ String(cString: $0) }) {
        let parts = text.split(separator: ":", maxSplits: 1)
        // The first processor's lines end with an empty one.
        guard parts.count == 2 else { break }
        fields[String(parts[0].filter { $0 != "\t" && $0 != "\n" })] = String(parts[1].drop { $0 == " " }.filter { $0 != "\n" })
      }
    }
    model = fields["model name"] ?? "unknown processor"
    let flags = Set((fields["flags"] ?? "").split(separator: " ").map(String.init))
    features = ProcessorFacts.interesting.filter(flags.contains)
    let queries = [
      ("L1d", _SC_LEVEL1_DCACHE_SIZE), ("L1i", _SC_LEVEL1_ICACHE_SIZE), ("L2", _SC_LEVEL2_CACHE_SIZE), ("L3", _SC_LEVEL3_CACHE_SIZE),
    ]
    caches = queries.compactMap { name, query in
      let bytes = sysconf(Int32(query))
      return bytes > 0 ? (name, bytes) : nil
    }
  }
}
