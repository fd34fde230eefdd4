using Deepseek.Inference.Chat;
using Deepseek.Inference.Generation;
using Deepseek.Inference.Nano;
using Deepseek.Inference.Sampling;
using Deepseek.Samples.CustomSampler;

// One seed for all four: what differs is the sampling alone, and every run prints the same.
const long Seed = 20250120;

using var generator = await TextGenerator.LoadAsync(NanoModel.Folder);
var prompt = generator.Raw("Once upon a time");

await ContinueAsync("The model's own settings", new GenerationOptions());

// A rule of your own joins the standard order: after the penalties, before temperature and filters.
var lipogram = new Lipogram(generator.Tokenizer!, 'e');
await ContinueAsync("Without the letter e", new GenerationOptions { Sampling = new SamplingOptions { Processors = [lipogram] } });

// At temperature 3 the standard order first flattens the distribution, then keeps half of it: nearly anything passes.
await ContinueAsync("Temperature 3, then top-p 0.5", new GenerationOptions { Sampling = new SamplingOptions { Temperature = 3, TopP = 0.5 } });

// An order of your own, as a chain: keep the plausible half first, then choose among it almost evenly.
var chain = new SamplerChain([new TopP(0.5), new Temperature(3)], new MultinomialSampler());
await ContinueAsync("Top-p 0.5, then temperature 3", new GenerationOptions { Chain = chain });

async Task ContinueAsync(string title, GenerationOptions options)
{
    options = options with { MaxNewTokens = 48, Sampling = options.Sampling with { Seed = Seed } };
    var reply = await generator.CompleteAsync(prompt, new TextOptions { Generation = options });
    Console.WriteLine($"--- {title}\nOnce upon a time{reply.Text}\n");
}
