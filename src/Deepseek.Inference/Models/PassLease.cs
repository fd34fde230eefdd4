using static TorchSharp.torch;

namespace Deepseek.Inference.Models;

/// <summary>A call under way, with the model's number of libtorch's threads; dispose it once, on the thread that began it.</summary>
/// <remarks>OpenMP keeps the number by calling thread, and a pass may come on any. It is given back: threads of a pool serve other models, and sums of libtorch depend on how many threads share them.</remarks>
internal readonly struct PassLease : IDisposable
{
    private readonly Lifetime.Lease _lease;
    private readonly int _before; // 0 where nothing was changed

    public PassLease(Lifetime.Lease lease, int? threads)
    {
        (_lease, _before) = (lease, 0);
        if (threads is not { } wanted)
            return;
        var before = get_num_threads();
        if (before == wanted)
            return;

        _before = before;
        set_num_threads(wanted);
    }

    public void Dispose()
    {
        if (_before > 0)
            set_num_threads(_before);
        _lease.Dispose();
    }
}
