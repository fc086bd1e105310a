/// A library of NVIDIA's that is used where it is found.
package enum NVIDIALibrary: Sendable, CaseIterable {
  /// The driver. Without it, or without a device, there is no GPU.
  case driver
  /// The compiler of kernels. Without it none run: its version is part of what the disk cache knows them by.
  case nvrtc
  /// Matrix products, which Pinion's own kernels do; declared, and never called yet.
  case blaslt

  /// The environment variable that names the file; then no other is tried.
  package var variable: String {
    switch self {
    case .driver: "PINION_CUDA_DRIVER"
    case .nvrtc: "PINION_NVRTC"
    case .blaslt: "PINION_CUBLASLT"
    }
  }

  /// File names, best first.
  package var names: [String] {
    switch self {
    case .driver: ["libcuda.so.1"]
    case .nvrtc: ["libnvrtc.so.13", "libnvrtc.so.12"]
    case .blaslt: ["libcublasLt.so.13", "libcublasLt.so.12"]
    }
  }

  /// Folders below a Python site's `nvidia` folder: that of CUDA 13's wheels, then that of CUDA 12's.
  var wheelFolders: [String] {
    switch self {
    case .driver: []
    case .nvrtc: ["cu13/lib", "cuda_nvrtc/lib"]
    case .blaslt: ["cu13/lib", "cublas/lib"]
    }
  }
}
