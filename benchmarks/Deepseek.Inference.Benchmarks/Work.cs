using System.Reflection;
using BenchmarkDotNet.Running;

namespace Deepseek.Inference.Benchmarks;

/// <summary>What one operation of a benchmark moves and computes.</summary>
/// <param name="Bytes">Bytes read and written; 0 where memory is not what bounds it.</param>
/// <param name="Operations">Arithmetic operations, a multiply-add as two; 0 where arithmetic is not what bounds it.</param>
/// <param name="Arithmetic">What the operations compute with: decides the peak that they are held against.</param>
/// <param name="Threads">Threads that share the work.</param>
public readonly record struct Work(long Bytes, long Operations = 0, Kernels.ActivationPrecision Arithmetic = Kernels.ActivationPrecision.Fp32, int Threads = 1)
{
    /// <summary>The work of a case; null where its class does not tell.</summary>
    internal static Work? Of(BenchmarkCase benchmark)
    {
        var type = benchmark.Descriptor.Type;
        if (!typeof(IMeasured).IsAssignableFrom(type))
            return null;
        var instance = (IMeasured)Activator.CreateInstance(type)!;
        foreach (var parameter in benchmark.Parameters.Items)
            type.GetProperty(parameter.Name, BindingFlags.Public | BindingFlags.Instance)!.SetValue(instance, parameter.Value);
        return instance.WorkOf(benchmark.Descriptor.WorkloadMethod.Name);
    }
}

/// <summary>A class of benchmarks that tells what they move and compute. Its constructor allocates nothing large: the table makes instances of its own.</summary>
public interface IMeasured
{
    /// <summary>The work of one operation under the instance's parameters.</summary>
    /// <param name="method">The benchmark's method.</param>
    Work WorkOf(string method);
}
