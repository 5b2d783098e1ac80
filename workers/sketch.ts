import { serve } from '../src/engine/serve.ts';
import { createSketchService } from '../src/engine/sketch-service.ts';

serve(createSketchService());
