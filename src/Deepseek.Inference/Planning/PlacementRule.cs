using Deepseek.Inference.Configuration;
using Deepseek.Inference.Store;

namespace Deepseek.Inference.Planning;

/// <summary>Decides where a model lies.</summary>
/// <remarks>
/// The embedding lies in RAM: a token reads one row of it. Where the card holds all other always-used weights, the cache, and the experts of a layer, experts are computed there, and those in RAM cross the link; else the card
/// has no experts, and the processor computes them.
/// </remarks>
internal static class PlacementRule
{
    /// <summary>Places a model with room for a context.</summary>
    /// <param name="config">The model.</param>
    /// <param name="model">Its bytes.</param>
    /// <param name="machine">The machine.</param>
    /// <param name="options">Reserves.</param>
    /// <param name="context">Tokens of the cache.</param>
    /// <param name="expertsOnDevice">Whether the card computes experts where it can.</param>
    public static ModelPlacement Place(ModelConfig config, StoreFootprint model, MachineDescription machine, PlanOptions options, long context, bool expertsOnDevice = true)
    {
        var least = Math.Min(model.ChosenPerLayer, model.ExpertCount); // a layer's experts are rented all or none
        var device = machine.Device is { } card ? OnDevice(config, model, card.Bytes, options.DeviceReserveBytes, context, expertsOnDevice ? least : long.MaxValue) : null;
        var rest = model.ExpertCount - (device?.ExpertCount ?? 0);
        var always = model.AlwaysUsedBytes - (device?.AlwaysUsedBytes ?? 0);
        var cache = device is { CacheBytes: > 0 } ? 0 : context * ModelWork.CacheBytes(config, onDevice: false);
        var room = machine.RamBytes - options.RamReserveBytes - always - cache;
        var needed = Math.Min(least, rest) * model.ExpertBytes;
        if (room < needed)
            return new(device, new(machine.RamBytes, options.RamReserveBytes, always, cache, 0, 0), rest, needed - room);

        var slots = model.ExpertBytes == 0 ? 0 : Math.Min(rest, room / model.ExpertBytes);
        return new(device, new(machine.RamBytes, options.RamReserveBytes, always, cache, slots, slots * model.ExpertBytes), rest - slots, 0);
    }

    /// <summary>The longest context that fits where everything else has the least that it needs; 0 where nothing does.</summary>
    public static int LargestContext(ModelConfig config, StoreFootprint model, MachineDescription machine, PlanOptions options)
    {
        // More context never frees memory, so the last length that fits is found by halving.
        var (fits, fails) = (0, config.MaxPositions + 1);
        while (fails - fits > 1)
        {
            var middle = fits + ((fails - fits) / 2);
            if (Place(config, model, machine, options, middle).Fits)
                fits = middle;
            else
                fails = middle;
        }

        return fits;
    }

    private static MemoryUse OnDevice(ModelConfig config, StoreFootprint model, long budget, long reserve, long context, long least)
    {
        var kept = Math.Min(reserve, budget);
        var room = budget - kept;
        var always = Math.Min(room, model.AlwaysReadBytes);
        room -= always;
        var cache = context * ModelWork.CacheBytes(config, onDevice: true);
        if (always < model.AlwaysReadBytes || cache > room)
            return new(budget, kept, always, 0, 0, 0);

        room -= cache;
        var slots = model.ExpertBytes == 0 ? 0 : Math.Min(model.ExpertCount, room / model.ExpertBytes);
        if (slots < least)
            slots = 0;
        return new(budget, kept, always, cache, slots, slots * model.ExpertBytes);
    }
}
