import { serve } from '../src/engine/serve.ts';
import { createStudyFileService } from '../src/engine/study-file-service.ts';

serve(createStudyFileService());
