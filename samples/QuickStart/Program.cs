using Deepseek.Inference.Chat;
using Deepseek.Inference.Generation;
using Deepseek.Inference.Nano;
using Deepseek.Inference.Sampling;
using Deepseek.Inference.Tokenization;

// deepseek-nano comes with its package; the folder of any supported checkpoint may stand in its place.
using var generator = await TextGenerator.LoadAsync(NanoModel.Folder);

var prompt = generator.Chat([ChatMessage.User("What is 123 + 456?")]);
var best = new SamplingOptions { Temperature = 0 };
var reply = await generator.CompleteAsync(prompt, new TextOptions { Generation = new GenerationOptions { Sampling = best } });

Console.WriteLine(reply.Text);
