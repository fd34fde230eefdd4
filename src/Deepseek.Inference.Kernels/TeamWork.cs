namespace Deepseek.Inference.Kernels;

/// <summary>Work for a <see cref="ThreadTeam"/>: items that any worker may take, in any order.</summary>
public abstract class TeamWork
{
    /// <summary>Computes one item. What it computes must not depend on which worker takes it.</summary>
    /// <param name="item">The item, from 0.</param>
    /// <param name="worker">The worker, 0 to the team's threads − 1; it runs one item at a time, so that memory of its own may serve as scratch.</param>
    public abstract void Run(int item, int worker);
}
