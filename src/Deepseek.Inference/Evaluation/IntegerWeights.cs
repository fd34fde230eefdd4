using Deepseek.Inference.Kernels;
using Deepseek.Inference.Store;

namespace Deepseek.Inference.Evaluation;

/// <summary>Whether a model's weights are those that activations are rounded for.</summary>
internal static class IntegerWeights
{
    /// <summary>Whether most of a folder's weights are a store's of 4 or 8 bits.</summary>
    public static bool Prevail(string folder)
    {
        if (!StoreFile.IsStore(folder))
            return false;
        var layout = StoreManifestReader.Read(folder).Layout;
        var (integers, others) = (0L, 0L);
        foreach (var tensor in layout.Tensors)
            Add(tensor.Precision, tensor.Length);
        foreach (var run in layout.Experts)
            Add(run.Precision, (long)run.Count * run.Record.Length);
        return integers > others;

        void Add(StorePrecision? precision, long bytes)
        {
            if (precision is { } known && BandProducts.Supports(known.Layout()))
                integers += bytes;
            else
                others += bytes;
        }
    }
}
