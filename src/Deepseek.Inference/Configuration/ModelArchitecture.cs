namespace Deepseek.Inference.Configuration;

/// <summary>The supported architectures, told by <c>architectures</c> of <c>config.json</c>.</summary>
public enum ModelArchitecture
{
    /// <summary>DeepSeek-V2 and V2-Lite: latent attention, softmax routing (<c>DeepseekV2ForCausalLM</c>).</summary>
    DeepseekV2,

    /// <summary>DeepSeek-V3, R1 and models of their shape such as Kimi-K2: latent attention, sigmoid routing (<c>DeepseekV3ForCausalLM</c>).</summary>
    DeepseekV3,

    /// <summary>R1-Distill on Qwen2: grouped-query attention with biases (<c>Qwen2ForCausalLM</c>).</summary>
    Qwen2,

    /// <summary>R1-Distill on Llama 3: grouped-query attention (<c>LlamaForCausalLM</c>).</summary>
    Llama,
}
