import { serve } from '../src/engine/serve.ts';
import { createStatisticsService } from '../src/engine/statistics-service.ts';

serve(createStatisticsService());
