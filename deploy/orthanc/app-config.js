// OHIF over Orthanc's DICOMweb plugin, both of one origin. docs/viewers.md says how a site puts it to use.

// OHIF 3.12 draws the coordinates of a measurement report, and fails over groups that have none, as those of segments:
// "Something went wrong", and an empty pane. Such a report it shall show as text, as it does with every other report.
const hasCoordinates = item =>
  ['SCOORD', 'SCOORD3D'].includes(item.ValueType) || [item.ContentSequence ?? []].flat().some(hasCoordinates);

function showAsText(displaySets) {
  displaySets
    .filter(({ Modality, instance }) => Modality === 'SR' && !hasCoordinates(instance))
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
