namespace Deepseek.Inference.Compute;

/// <summary>What computes a model's layers.</summary>
public enum ComputeOperations
{
    /// <summary><see cref="Cpu"/> where the device is a CPU and attention absorbed, <see cref="Torch"/> elsewhere.</summary>
    Automatic,

    /// <summary>Plain tensor operations of libtorch, on any device: the definition.</summary>
    Torch,

    /// <summary>Kernels of our own over the weights as they are stored; the same bits with any number of threads, in any batch, however a prompt was cut.</summary>
    Cpu,
}
