using System.Runtime.InteropServices;

namespace Deepseek.Inference.Tests.Offload;

/// <summary>A fault of libtorch as TorchSharp reports it: by its text alone.</summary>
internal sealed class LibtorchException(string message) : ExternalException(message);
