// OHIF over Orthanc's DICOMweb plugin, both of one origin. docs/viewers.md says how a site puts it to use.

// OHIF 3.12 draws the coordinates of a measurement report. It fails over a group that has none, as those of segments, and
// over a report without groups: "Something went wrong", and an empty pane. Such a report it shall show as text, as it
// does with every other report.
const IMAGING_MEASUREMENTS = '126010';
const MEASUREMENT_GROUP = '125007';
const children = item => [item.ContentSequence ?? []].flat();
const named = code => item => item.ConceptNameCodeSequence?.CodeValue === code;
const hasCoordinates = item => ['SCOORD', 'SCOORD3D'].includes(item.ValueType) || children(item).some(hasCoordinates);

function canBeDrawn(report) {
  const groups = children(report).filter(named(IMAGING_MEASUREMENTS)).flatMap(children).filter(named(MEASUREMENT_GROUP));
  return groups.length > 0 && groups.every(hasCoordinates);
}

function showAsText(displaySets) {
  displaySets
    .filter(displaySet => displaySet.isImagingMeasurementReport && !canBeDrawn(displaySet.instance))
    .forEach(displaySet => { displaySet.isImagingMeasurementReport = false; });
}

// The viewer puts its services there when it starts, before it asks for a study.
let services;
Object.defineProperty(window, 'services', {
  get: () => services,
  set: started => {
    services = started;
    const { displaySetService } = services;
    displaySetService.subscribe(displaySetService.EVENTS.DISPLAY_SETS_ADDED, ({ displaySetsAdded }) =>
      showAsText(displaySetsAdded)
    );
  },
});

window.config = {
  routerBasename: '/',
  showStudyList: true,
  extensions: [],
  modes: [],
  customizationService: {},
  investigationalUseDialog: { option: 'never' },
  showWarningMessageForCrossOrigin: false,
  showCPUFallbackMessage: true,
  // Oblique and uneven stacks are shown all the same.
  strictZSpacingForVolumeViewport: false,
  maxNumberOfWebWorkers: 3,
  defaultDataSourceName: 'archive',
  dataSources: [
    {
      namespace: '@ohif/extension-default.dataSourcesModule.dicomweb',
      sourceName: 'archive',
      configuration: {
        friendlyName: 'Archive',
        name: 'archive',
        qidoRoot: '/dicom-web',
        wadoRoot: '/dicom-web',
        wadoUriRoot: '/dicom-web',
        imageRendering: 'wadors',
        thumbnailRendering: 'wadors',
        enableStudyLazyLoad: true,
        supportsFuzzyMatching: false,
        supportsWildcard: true,
        omitQuotationForMultipartRequest: true,
        bulkDataURI: { enabled: true },
      },
    },
  ],
};
