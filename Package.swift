// swift-tools-version: 6.2
import PackageDescription

// Kernels are compiled optimised in every configuration: a debug build has to pass the same tests in bearable time.
let optimisedC: [CSetting] = [.unsafeFlags(["-O3", "-fno-math-errno", "-fno-trapping-math", "-Wall", "-Wextra"])]

let package = Package(
  name: "pinion",
  products: [
    .library(name: "pinion", type: .dynamic, targets: ["PinionC"]),
    .library(name: "PinionSwift", targets: ["Pinion"]),
    .executable(name: "run-model", targets: ["run-model"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2")
  ],
  targets: [
    .target(name: "CPinion"),
    .target(name: "CKernels", cSettings: optimisedC + [.headerSearchPath(".")]),
    .target(name: "CThreads", cSettings: optimisedC),
    .target(name: "CPictures", cSettings: optimisedC),
    .target(name: "CCUDA"),
    .target(name: "PinionBase", dependencies: ["CThreads"]),
    .target(name: "PinionTensor", dependencies: ["PinionBase"]),
    .target(name: "PinionGraph", dependencies: ["PinionBase", "PinionTensor"]),
    .target(name: "PinionBackend", dependencies: ["PinionBase", "PinionTensor", "PinionGraph", "CThreads"]),
    .target(name: "PinionCPU", dependencies: ["PinionBase", "PinionTensor", "PinionGraph", "PinionBackend", "CKernels"]),
    .target(name: "PinionOperators", dependencies: ["PinionBase", "PinionTensor", "PinionGraph", "PinionBackend", "PinionCPU", "CKernels", "CPictures"]),
    .target(name: "PinionPasses", dependencies: ["PinionBase", "PinionTensor", "PinionGraph", "PinionBackend", "PinionCPU", "PinionOperators"]),
    .target(name: "PinionImport", dependencies: ["PinionBase", "PinionTensor", "PinionGraph"]),
    .target(name: "PinionAuthoring", dependencies: ["PinionBase", "PinionTensor", "PinionGraph", "PinionBackend", "PinionImport"]),
    .target(name: "PinionRuntime", dependencies: ["PinionBase", "PinionTensor", "PinionGraph", "PinionBackend"]),
    .target(name: "PinionCUDA", dependencies: ["PinionBase", "CCUDA"], exclude: ["Kernels"]),
    .target(name: "Pinion", dependencies: ["PinionBase", "PinionTensor", "PinionGraph", "PinionBackend", "PinionCPU", "PinionOperators", "PinionPasses", "PinionImport", "PinionAuthoring", "PinionRuntime", "PinionCUDA", "CThreads", "CKernels"]),
    .target(
      name: "PinionC", dependencies: ["PinionBase", "PinionBackend", "PinionOperators", "Pinion", "CThreads", "CKernels", "CPinion"], exclude: ["packaging", "exports.map"],
      linkerSettings: [
        .unsafeFlags([
          "-static-stdlib", "-use-ld=lld",
          "-Xlinker", "--version-script=\(Context.packageDirectory)/Sources/PinionC/exports.map",
          "-Xlinker", "-soname=libpinion.so.0",
          "-Xlinker", "-z", "-Xlinker", "defs",
          // Threads of the pool, and what runs when a host's thread ends, need the code after a dlclose().
          "-Xlinker", "-z", "-Xlinker", "nodelete",
        ]),
        .unsafeFlags(["-Xlinker", "-s"], .when(configuration: .release)),
      ]),
    .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CPNG", providers: [.apt(["libpng-dev"])]),
    .systemLibrary(name: "CTurboJPEG", providers: [.apt(["libturbojpeg0-dev"])]),
    .target(name: "RunModelInputs", dependencies: ["PinionCPU", "CZlib", "CPNG", "CTurboJPEG"]),
    .executableTarget(
      name: "run-model",
      dependencies: ["Pinion", "RunModelInputs", "CPinion", "CKernels", .product(name: "ArgumentParser", package: "swift-argument-parser")],
      // So that the installed command needs no Swift toolchain.
      linkerSettings: [
        .unsafeFlags(["-static-stdlib"]), .linkedLibrary("_FoundationCShims"), .linkedLibrary("_FoundationCollections"),
      ]),
    .executableTarget(name: "onnx-dump", dependencies: ["PinionImport"], path: "Tests/Oracle/onnx-dump"),
    .executableTarget(name: "onnx-case", dependencies: ["Pinion", "PinionCPU"], path: "Tests/Conformance/onnx-case"),
    .executableTarget(
      name: "fuzz-nodes", dependencies: ["Pinion", "PinionOperators"], path: "Tests/Fuzz/Sources/fuzz-nodes",
      swiftSettings: [.unsafeFlags(["-parse-as-library"])]),
    .executableTarget(name: "random-graphs", dependencies: ["Pinion", "PinionOperators"], path: "Tests/RandomGraphs/random-graphs"),
    .testTarget(name: "RunModelInputsTests", dependencies: ["RunModelInputs"]),
    .testTarget(name: "PinionBaseTests", dependencies: ["PinionBase"]),
    .testTarget(name: "PinionGraphTests", dependencies: ["PinionOperators"]),
    .testTarget(name: "PinionPassesTests", dependencies: ["PinionPasses", "PinionRuntime"]),
    .testTarget(name: "PinionImportTests", dependencies: ["Pinion"]),
    .testTarget(name: "PinionOperatorsTests", dependencies: ["PinionOperators", "PinionRuntime"]),
    .testTarget(name: "PinionCUDATests", dependencies: ["PinionCUDA"]),
    .testTarget(name: "PinionRuntimeTests", dependencies: ["PinionOperators", "PinionRuntime"]),
    .testTarget(name: "PinionTests", dependencies: ["Pinion"]),
    .testTarget(name: "PinionAuthoringTests", dependencies: ["Pinion"]),
    .testTarget(name: "ArchitectureTests"),
  ],
  cLanguageStandard: .c17,
  cxxLanguageStandard: .cxx17
)

// The fuzzer's run-time library is not linked but where Tests/Fuzz/fuzz.sh asks for it.
if Context.environment["PINION_FUZZ"] == "1" {
  package.targets.append(
    .executableTarget(
      name: "fuzz-run", dependencies: ["Pinion"], path: "Tests/Fuzz/Sources/fuzz-run",
      swiftSettings: [.unsafeFlags(["-parse-as-library"])], linkerSettings: [.linkedLibrary("stdc++")]))
  package.targets.append(
    .executableTarget(
      name: "fuzz-reader", dependencies: ["PinionImport"], path: "Tests/Fuzz/Sources/fuzz-reader",
      swiftSettings: [.unsafeFlags(["-parse-as-library"])], linkerSettings: [.linkedLibrary("stdc++")]))
}
