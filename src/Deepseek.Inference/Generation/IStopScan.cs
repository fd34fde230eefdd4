namespace Deepseek.Inference.Generation;

/// <summary>A stop rule on its way through one sequence.</summary>
public interface IStopScan
{
    /// <summary>Takes the next generated token; is not called again after it decided to stop.</summary>
    /// <param name="token">The token's id.</param>
    StopDecision Accept(int token);
}
