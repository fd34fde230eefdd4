using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Kernels;
using static TorchSharp.torch;

namespace Deepseek.Inference.Caching;

// Rows as the kernels read and write them, in the host's memory.
public abstract unsafe partial class SequenceCache
{
    /// <summary>What a token sees.</summary>
    internal Kernels.AttentionWindow Visible => Options.Window is { } window ? new(window.Recent, window.Sink) : Kernels.AttentionWindow.None;

    /// <summary>Of a row of whole numbers: the elements that share the first scale.</summary>
    private protected virtual int FirstPart => 0;

    /// <summary>The rows of a layer; valid until more room is reserved.</summary>
    internal CachedRows Rows(int layer)
    {
        var format = Options.Precision switch
        {
            CachePrecision.BFloat16 => CacheFormat.BF16,
            CachePrecision.Float16 => CacheFormat.F16,
            CachePrecision.Int16 => CacheFormat.Int16,
            _ => CacheFormat.Fp32,
        };
        var scales = _scales[layer] is { } tensor ? (float*)tensor.Address() : null;
        return new CachedRows(format, (void*)_layers[layer]!.Address(), _width, scales);
    }

    /// <summary>Stores a row for which there is room. Different threads may store different ones.</summary>
    /// <param name="path">The instruction set.</param>
    /// <param name="layer">The layer's place in the cache.</param>
    /// <param name="position">The token's position.</param>
    /// <param name="values">[width].</param>
    internal void Write(KernelPath path, int layer, int position, float* values)
    {
        var rows = Rows(layer);
        var (row, width) = ((nint)rows.At(position, 0), (int)_width);
        var from = new ReadOnlySpan<float>(values, width);
        switch (rows.Format)
        {
            case CacheFormat.BF16:
                Narrow.ToBFloat16(path, from, new Span<ushort>((void*)row, width));
                break;
            case CacheFormat.F16:
                Narrow.ToHalf(path, from, new Span<ushort>((void*)row, width));
                break;
            case CacheFormat.Int16:
                var codes = new Span<short>((void*)row, width);
                rows.Scales[2L * position] = CacheCodes.Round(path, from[..FirstPart], codes[..FirstPart]);
                rows.Scales[(2L * position) + 1] = CacheCodes.Round(path, from[FirstPart..], codes[FirstPart..]);
                break;
            default:
                from.CopyTo(new Span<float>((void*)row, width));
                break;
        }
    }

    private void AppendWhole(int layer, Tensor values)
    {
        using var rows = values.contiguous();
        var start = (float*)rows.Address() + rows.storage_offset(); // rows of a batch are a part of a larger tensor
        for (var t = 0; t < rows.size(0); t++)
            Write(KernelPaths.Selected, layer, Length + t, start + (t * _width));
        GC.KeepAlive(rows); // read through its address
    }

    private Tensor ReadWhole(int layer, int first, int count)
    {
        var values = empty(count, _width, ScalarType.Float32);
        var (rows, width) = (Rows(layer), (int)_width);
        var to = (float*)values.Address();
        for (var t = 0; t < count; t++)
        {
            var codes = new ReadOnlySpan<short>(rows.At(first + t, 0), width);
            var row = new Span<float>(to + (t * _width), width);
            CacheCodes.Decode(codes[..FirstPart], rows.Scales[2L * (first + t)], row[..FirstPart]);
            CacheCodes.Decode(codes[FirstPart..], rows.Scales[(2L * (first + t)) + 1], row[FirstPart..]);
        }

        return values;
    }
}
