namespace Deepseek.Inference.Configuration;

/// <summary>How rotary frequencies are stretched beyond the positions of the pre-training.</summary>
public abstract record RopeScaling
{
    private protected RopeScaling()
    {
    }
}
